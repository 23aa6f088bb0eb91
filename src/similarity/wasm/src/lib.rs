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
    Box::into_raw(vec![0.0f32; length].into_boxed_slice()).cast()
}

/// Looks at the rows [first, last) of `values`, each `size` long, of which `width` count; in a tile on the diagonal only
/// those right of it. Counts them in `bins`, keeps candidates in `kept`, and puts the best of every group into `best`.
///
/// # Safety
/// The addresses come from `words`: `values` and `kept` with room for the tile and a group more, `best` for an eighth of it, `bins` for 4 x
/// 4002, `scan` for its 7 fields.
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
        };
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
            if at % GROUP != 0 {
                *groups.add(at / GROUP) = best_of(row.add(at / GROUP * GROUP));
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
}

impl State {
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

fn least(a: v128) -> f32 {
    f32x4_extract_lane::<0>(a)
        .min(f32x4_extract_lane::<1>(a))
        .min(f32x4_extract_lane::<2>(a).min(f32x4_extract_lane::<3>(a)))
}
