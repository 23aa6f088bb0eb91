//! One pass over a tile of similarities for all that is asked of it. Nothing here depends on anything else.

use core::arch::wasm32::*;

/// Values of a row that lie side by side and whose best is kept; rows are whole groups long.
const GROUP: usize = 8;
/// The bins of half a thousandth over [-1, 1]; one more at both ends takes what rounding carried beyond.
const HALF: f32 = 2000.0;
const BINS: usize = 4002;
/// Counts of four lanes lie side by side: a bin that comes twice in a row does not wait for itself.
const LANES: usize = 4;
/// 1.5 * 2^23, and the first bin: a whole number added to it stands in the low bits of the sum.
const SHIFT: f32 = 12_582_912.0 + 2001.0;
const SHIFT_BITS: i32 = 0x4b40_0000;

/// What is asked of a tile, and what the pairs in it come to. TypeScript reads and writes the fields in their order.
#[repr(C)]
pub struct Scan {
    /// Sums are whole numbers of 1 / scale, so that they are the same in whatever order tiles come.
    scale: f64,
    sum: i64,
    squares: i64,
    /// A value in [low, high) is kept: it may be the median.
    low: f32,
    high: f32,
    /// Values at or above are counted.
    threshold: f32,
    lowest: f32,
    highest: f32,
    above: u32,
    kept: u32,
}

/// Memory for 32-bit numbers, all 0.
#[unsafe(no_mangle)]
pub extern "C" fn words(length: usize) -> *mut f32 {
    // Of 64 bits, for the alignment.
    Box::into_raw(vec![0u64; length.div_ceil(2)].into_boxed_slice()).cast()
}

/// Looks at the rows [first, last) of `values`, each `size` long, of which `width` count; in a tile on the diagonal only
/// those right of it. Counts them in `bins`, keeps candidates in `kept`, and puts the best of every group into `best`.
///
/// # Safety
/// The addresses come from `words`: `values` and `kept` with room for the tile, `best` for an eighth of it, `bins` for 4 x
/// 4002, `scan` for its fields.
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments)]
pub unsafe extern "C" fn scan(
    values: *const f32,
    size: usize,
    width: usize,
    first: usize,
    last: usize,
    diagonal: bool,
    bins: *mut u32,
    kept: *mut f32,
    best: *mut f32,
    scan: *mut Scan,
) {
    unsafe {
        let scan = &mut *scan;
        let mut state = State {
            bins,
            kept,
            next: 0,
            low: f32x4_splat(scan.low),
            high: f32x4_splat(scan.high),
            threshold: f32x4_splat(scan.threshold),
            lowest: f32x4_splat(f32::INFINITY),
            highest: f32x4_splat(f32::NEG_INFINITY),
            above: i32x4_splat(0),
            sum: f64x2_splat(0.0),
            squares: f64x2_splat(0.0),
        };
        (scan.sum, scan.squares) = (0, 0);
        for i in first..last {
            let row = values.add(i * size);
            let start = if diagonal { i + 1 } else { 0 };
            let groups = best.add(i * size / GROUP);
            let mut at = start.min(width);
            // The first group of a row that begins within it, and the last one that ends within it.
            if at % GROUP != 0 {
                let end = width.min(at.next_multiple_of(GROUP));
                state.part(row, at, end);
                at = end;
            }
            for g in 0..at / GROUP {
                *groups.add(g) = best_of(row.add(g * GROUP));
            }
            while at + 4 * GROUP <= width {
                let a = state.group(row.add(at));
                let b = state.group(row.add(at + GROUP));
                let c = state.group(row.add(at + 2 * GROUP));
                let d = state.group(row.add(at + 3 * GROUP));
                v128_store(groups.add(at / GROUP).cast(), across(a, b, c, d));
                at += 4 * GROUP;
            }
            while at + GROUP <= width {
                let a = state.group(row.add(at));
                *groups.add(at / GROUP) = f32x4_extract_lane::<0>(across(a, a, a, a));
                at += GROUP;
            }
            if at < width {
                state.part(row, at, width);
            }
            for g in at / GROUP..size / GROUP {
                *groups.add(g) = best_of(row.add(g * GROUP));
            }
            scan.sum += whole(state.sum, scan.scale);
            scan.squares += whole(state.squares, scan.scale);
            (state.sum, state.squares) = (f64x2_splat(0.0), f64x2_splat(0.0));
        }
        scan.lowest = least(state.lowest);
        scan.highest = f32x4_extract_lane::<0>(across(state.highest, state.highest, state.highest, state.highest));
        scan.above = i32x4_extract_lane::<0>(state.above) as u32
            + i32x4_extract_lane::<1>(state.above) as u32
            + i32x4_extract_lane::<2>(state.above) as u32
            + i32x4_extract_lane::<3>(state.above) as u32;
        scan.kept = state.next as u32;
    }
}

/// The best value of every group.
///
/// # Safety
/// As for `scan`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn best(values: *const f32, groups: usize, best: *mut f32) {
    unsafe {
        for g in 0..groups {
            *best.add(g) = best_of(values.add(g * GROUP));
        }
    }
}

/// The k best candidates of some rows so far, best first, and what a candidate of a row has to beat.
#[repr(C)]
pub struct Nearest {
    k: u32,
    index: *mut u32,
    score: *mut f32,
    bar: *mut f32,
}

/// Where a tile lies, and for whom neighbours are looked for in it. TypeScript writes the fields in their order.
#[repr(C)]
pub struct Task {
    /// Rows, and columns with the filling.
    rows: u32,
    size: u32,
    /// Columns that count.
    width: u32,
    diagonal: u32,
    /// Rows [first_row, last_row) take columns as neighbours, columns [first_column, last_column) take rows.
    first_row: u32,
    last_row: u32,
    first_column: u32,
    last_column: u32,
    /// Numbers of the first row and of the first column, as neighbours.
    row_number: u32,
    column_number: u32,
    /// The number of the first row that `Nearest` holds.
    held: u32,
    /// Pairs at or above are listed.
    floor: f32,
}

impl Nearest {
    unsafe fn bar_of(&self, number: u32, held: u32) -> f32 {
        unsafe { *self.bar.add((number - held) as usize) }
    }

    /// Takes a candidate that beats the bar of its row; gives the new bar. Of equal ones the first stays in front.
    #[inline(always)]
    unsafe fn add(&self, row: usize, candidate: u32, similarity: f32) -> f32 {
        unsafe {
            let k = self.k as usize;
            let (index, score) = (self.index.add(row * k), self.score.add(row * k));
            let mut at = k - 1;
            while at > 0 && *score.add(at - 1) < similarity {
                *score.add(at) = *score.add(at - 1);
                *index.add(at) = *index.add(at - 1);
                at -= 1;
            }
            *score.add(at) = similarity;
            *index.add(at) = candidate;
            let bar = *score.add(k - 1);
            *self.bar.add(row) = bar;
            bar
        }
    }
}

/// The bars of the columns of a tile, and the lowest of every group of them; no neighbour is looked for where it is infinite.
unsafe fn column_bars(nearest: &Nearest, task: &Task, bars: *mut f32, lowest: *mut f32) {
    unsafe {
        for j in 0..task.size {
            let looks = j >= task.first_column && j < task.last_column && nearest.k > 0;
            *bars.add(j as usize) = if looks { nearest.bar_of(task.column_number + j, task.held) } else { f32::INFINITY };
        }
        let groups = task.size as usize / GROUP;
        for c in 0..groups {
            *lowest.add(c) = least(f32x4_pmin(
                v128_load(bars.add(c * GROUP).cast()),
                v128_load(bars.add(c * GROUP + 4).cast()),
            ));
        }
        // Nothing is wanted behind the last group, where four are looked at at once.
        for c in groups..groups + 3 {
            *lowest.add(c) = f32::INFINITY;
        }
    }
}

unsafe fn row_bar(nearest: &Nearest, task: &Task, i: u32) -> f32 {
    if i < task.first_row || i >= task.last_row || nearest.k == 0 {
        return f32::INFINITY;
    }
    unsafe { nearest.bar_of(task.row_number + i, task.held) }
}

/// Lists the groups that may hold a neighbour or a pair for the list, by their best; gives how many.
///
/// # Safety
/// `best` and `wanted` have room for all groups of the tile and 4 more, `bars` for its columns, `lowest` for an eighth of them and 4 more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn want(
    best: *const f32,
    task: *const Task,
    nearest: *const Nearest,
    bars: *mut f32,
    lowest: *mut f32,
    wanted: *mut u32,
) -> usize {
    unsafe {
        let (task, nearest) = (&*task, &*nearest);
        column_bars(nearest, task, bars, lowest);
        let groups = task.size as usize / GROUP;
        let mut count = 0;
        for i in 0..task.rows {
            let counted = i >= task.first_row && i < task.last_row;
            let bar = row_bar(nearest, task, i).min(if counted { task.floor } else { f32::INFINITY });
            let first = i as usize * groups;
            // What lies left of the diagonal is no pair.
            let mut c = if task.diagonal != 0 { i as usize / GROUP / 4 * 4 } else { 0 };
            while c < groups {
                let limit = f32x4_pmin(f32x4_splat(bar), v128_load(lowest.add(c).cast()));
                let inside = if c + 4 <= groups { 15 } else { (1 << (groups - c)) - 1 };
                let mut hits = i32x4_bitmask(f32x4_ge(v128_load(best.add(first + c).cast()), limit)) & inside;
                while hits != 0 {
                    *wanted.add(count) = first as u32 + c as u32 + hits.trailing_zeros();
                    count += 1;
                    hits &= hits - 1;
                }
                c += 4;
            }
        }
        count
    }
}

/// Looks at every value of `count` wanted groups, in the order of rows, then of columns: takes neighbours, and lists the pairs
/// at or above the floor as (row, column, value) in `pairs`; gives how many. `whole` says that `values` is the tile, else it
/// holds the groups one after the other. Begins with group `from`; `out` says with which to go on when `pairs` was full.
///
/// # Safety
/// After `want` for the same task; `pairs` has room for three numbers for each of `room` pairs.
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments)]
pub unsafe extern "C" fn take(
    values: *const f32,
    whole: bool,
    task: *const Task,
    nearest: *const Nearest,
    bars: *mut f32,
    wanted: *const u32,
    count: usize,
    pairs: *mut u32,
    room: usize,
    from: usize,
    out: *mut u32,
) -> usize {
    unsafe {
        let (task, nearest) = (&*task, &*nearest);
        let groups = task.size as usize / GROUP;
        let mut listed = 0;
        let mut row = u32::MAX;
        let (mut bar, mut floor) = (0.0, 0.0);
        for g in from..count {
            if listed + GROUP > room {
                *out = g as u32;
                return listed;
            }
            let group = *wanted.add(g) as usize;
            let i = (group / groups) as u32;
            if i != row {
                row = i;
                bar = row_bar(nearest, task, i);
                floor = if i >= task.first_row && i < task.last_row { task.floor } else { f32::INFINITY };
            }
            let first = (group % groups * GROUP) as u32;
            let source = values.add(if whole { group } else { g } * GROUP);
            let columns = bars.add(first as usize);
            let limit = f32x4_splat(floor);
            let mut hits = 0;
            for half in 0..2 {
                let four = v128_load(source.add(half * 4).cast());
                let beats = v128_or(
                    f32x4_gt(four, f32x4_splat(bar)),
                    v128_or(f32x4_gt(four, v128_load(columns.add(half * 4).cast())), f32x4_ge(four, limit)),
                );
                hits |= (i32x4_bitmask(beats) as u32) << (half * 4);
            }
            while hits != 0 {
                let t = hits.trailing_zeros();
                hits &= hits - 1;
                let j = first + t;
                if j >= task.width || (task.diagonal != 0 && j <= i) {
                    continue;
                }
                let value = *source.add(t as usize);
                if value > bar {
                    let row = (task.row_number + i - task.held) as usize;
                    bar = nearest.add(row, task.column_number + j, value);
                }
                if value > *columns.add(t as usize) {
                    let column = (task.column_number + j - task.held) as usize;
                    *columns.add(t as usize) = nearest.add(column, task.row_number + i, value);
                }
                if value >= floor {
                    let pair = pairs.add(3 * listed);
                    *pair = task.row_number + i;
                    *pair.add(1) = task.column_number + j;
                    *pair.add(2) = value.to_bits();
                    listed += 1;
                }
            }
        }
        *out = count as u32;
        listed
    }
}

struct State {
    bins: *mut u32,
    kept: *mut f32,
    next: usize,
    low: v128,
    high: v128,
    threshold: v128,
    lowest: v128,
    highest: v128,
    above: v128,
    /// Of the row.
    sum: v128,
    squares: v128,
}

impl State {
    /// In 64 bits: the squares are exact.
    #[inline(always)]
    fn sum_up(&mut self, two: v128) {
        let wide = f64x2_promote_low_f32x4(two);
        self.sum = f64x2_add(self.sum, wide);
        self.squares = f64x2_add(self.squares, f64x2_mul(wide, wide));
    }

    /// Takes a whole group; gives the larger of its two halves, lane by lane.
    #[inline(always)]
    unsafe fn group(&mut self, values: *const f32) -> v128 {
        unsafe {
            let a = v128_load(values.cast());
            let b = v128_load(values.add(4).cast());
            let (scaled_a, scaled_b) = (f32x4_mul(a, f32x4_splat(HALF)), f32x4_mul(b, f32x4_splat(HALF)));
            let (floor_a, floor_b) = (f32x4_floor(scaled_a), f32x4_floor(scaled_b));
            // The product was rounded: what came out whole may have been a little less.
            if v128_any_true(v128_or(f32x4_eq(scaled_a, floor_a), f32x4_eq(scaled_b, floor_b))) {
                for k in 0..GROUP {
                    self.count(*values.add(k), k % LANES);
                }
            } else {
                self.add(floor_a);
                self.add(floor_b);
            }
            self.above = i32x4_sub(self.above, f32x4_ge(a, self.threshold));
            self.above = i32x4_sub(self.above, f32x4_ge(b, self.threshold));
            self.keep(values, a);
            self.keep(values.add(4), b);
            for four in [a, b] {
                self.sum_up(four);
                self.sum_up(i64x2_shuffle::<1, 1>(four, four));
            }
            self.lowest = f32x4_pmin(self.lowest, f32x4_pmin(a, b));
            let larger = f32x4_pmax(a, b);
            self.highest = f32x4_pmax(self.highest, larger);
            larger
        }
    }

    #[inline(always)]
    unsafe fn add(&mut self, floor: v128) {
        unsafe {
            let bin = i32x4_sub(f32x4_add(floor, f32x4_splat(SHIFT)), i32x4_splat(SHIFT_BITS));
            let at = i32x4_add(i32x4_shl(bin, 2), i32x4(0, 1, 2, 3));
            *self.bins.add(i32x4_extract_lane::<0>(at) as usize) += 1;
            *self.bins.add(i32x4_extract_lane::<1>(at) as usize) += 1;
            *self.bins.add(i32x4_extract_lane::<2>(at) as usize) += 1;
            *self.bins.add(i32x4_extract_lane::<3>(at) as usize) += 1;
        }
    }

    #[inline(always)]
    unsafe fn count(&mut self, value: f32, lane: usize) {
        // Exact in 64 bits.
        let bin = (value as f64 * HALF as f64).floor() as i32 + 2001;
        unsafe { *self.bins.add((bin as usize).min(BINS - 1) * LANES + lane) += 1 };
    }

    #[inline(always)]
    unsafe fn keep(&mut self, values: *const f32, four: v128) {
        let mut hits = i32x4_bitmask(v128_and(f32x4_ge(four, self.low), f32x4_lt(four, self.high)));
        while hits != 0 {
            unsafe { *self.kept.add(self.next) = *values.add(hits.trailing_zeros() as usize) };
            self.next += 1;
            hits &= hits - 1;
        }
    }

    /// Takes the values [from, to) of a row.
    unsafe fn part(&mut self, row: *const f32, from: usize, to: usize) {
        let threshold = f32x4_extract_lane::<0>(self.threshold);
        let (low, high) = (f32x4_extract_lane::<0>(self.low), f32x4_extract_lane::<0>(self.high));
        for k in from..to {
            unsafe {
                let value = *row.add(k);
                self.count(value, k % LANES);
                self.above = i32x4_add(self.above, i32x4((value >= threshold) as i32, 0, 0, 0));
                if value >= low && value < high {
                    *self.kept.add(self.next) = value;
                    self.next += 1;
                }
                self.sum_up(f32x4(value, 0.0, 0.0, 0.0));
                self.lowest = f32x4_pmin(self.lowest, f32x4_splat(value));
                self.highest = f32x4_pmax(self.highest, f32x4_splat(value));
            }
        }
    }
}

#[inline(always)]
unsafe fn best_of(values: *const f32) -> f32 {
    unsafe {
        let larger = f32x4_pmax(v128_load(values.cast()), v128_load(values.add(4).cast()));
        f32x4_extract_lane::<0>(across(larger, larger, larger, larger))
    }
}

/// The largest lane of each of four.
#[inline(always)]
fn across(a: v128, b: v128, c: v128, d: v128) -> v128 {
    let ab = f32x4_pmax(i32x4_shuffle::<0, 1, 4, 5>(a, b), i32x4_shuffle::<2, 3, 6, 7>(a, b));
    let cd = f32x4_pmax(i32x4_shuffle::<0, 1, 4, 5>(c, d), i32x4_shuffle::<2, 3, 6, 7>(c, d));
    f32x4_pmax(i32x4_shuffle::<0, 2, 4, 6>(ab, cd), i32x4_shuffle::<1, 3, 5, 7>(ab, cd))
}

fn whole(two: v128, scale: f64) -> i64 {
    ((f64x2_extract_lane::<0>(two) + f64x2_extract_lane::<1>(two)) * scale).round() as i64
}

fn least(a: v128) -> f32 {
    f32x4_extract_lane::<0>(a)
        .min(f32x4_extract_lane::<1>(a))
        .min(f32x4_extract_lane::<2>(a).min(f32x4_extract_lane::<3>(a)))
}
