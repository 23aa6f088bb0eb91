//! Reduces a tile of cosine similarities in one pass: histogram, extremes, count, pairs, and the best columns of every row
//! and rows of every column. `gram` sums outer products, for mean and deviation. Only the core library is used.

use core::arch::wasm32::*;

/// Bins per unit of similarity.
const SCALE: f32 = 500_000.0;
/// Counters. The 1,000,000 bins of [-1, 1] lie in the middle, so values that rounding carried beyond 1 have counters too.
const COUNTERS: i32 = 1 << 20;
/// 1.5 * 2^23: the low bits of a float32 of this size are the whole number that was added to it.
const SHIFT: f32 = 12_582_912.0 + (COUNTERS / 2) as f32;
/// Values per step of the loop.
const GROUP: usize = 8;

/// Memory for 32-bit numbers, all 0.
#[unsafe(no_mangle)]
pub extern "C" fn words(length: usize) -> *mut f32 {
    // u128 gives the alignment of a vector.
    Box::into_raw(vec![0u128; length.div_ceil(4)].into_boxed_slice()).cast()
}

/// Addresses, the part of the tile to look at, and the results. TypeScript (tile-pass.ts) reads and writes the fields in
/// this order.
#[repr(C)]
pub struct Pass {
    values: *const f32,
    counters: *mut u32,
    /// The k best candidates of every held row, best first, and the score that a new one has to reach.
    index: *mut u32,
    score: *mut f32,
    bars: *mut f32,
    /// Room for a bar for every column of the tile.
    column_bars: *mut f32,
    /// Room for three numbers per value that one call looks at.
    pairs: *mut u32,
    k: u32,
    /// Number of the first row that has candidates.
    held: u32,
    /// Numbers of the tile's first row and first column, and its width.
    row: u32,
    column: u32,
    width: u32,
    /// On the diagonal only what lies right of it is a pair.
    diagonal: u32,
    /// The rows of the tile that this call looks at.
    from: u32,
    to: u32,
    /// Rows whose pairs count, and which look for candidates among the columns.
    first_row: u32,
    last_row: u32,
    /// Columns which look for candidates among the rows.
    first_column: u32,
    last_column: u32,
    /// Pairs at or above are counted.
    threshold: f32,
    /// Pairs at or above are listed.
    floor: f32,
    lowest: f32,
    highest: f32,
    above: u32,
    listed: u32,
}

/// Reduces the rows [from, to) of a tile.
///
/// # Safety
/// The addresses come from `words` and have the room that the fields ask for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reduce(pass: *mut Pass) {
    unsafe {
        let p = &mut *pass;
        let width = p.width as usize;
        for j in 0..p.width {
            let looks = j >= p.first_column && j < p.last_column;
            *p.column_bars.add(j as usize) =
                if looks { *p.bars.add((p.column + j - p.held) as usize) } else { f32::INFINITY };
        }
        let mut totals = Totals {
            lowest: f32x4_splat(f32::INFINITY),
            highest: f32x4_splat(f32::NEG_INFINITY),
            above: i32x4_splat(0),
            listed: 0,
        };
        for i in p.from as usize..p.to as usize {
            let start = if p.diagonal != 0 { i + 1 } else { 0 };
            let row = p.values.add(i * width);
            if i >= p.first_row as usize && i < p.last_row as usize {
                reduce_row::<true>(p, &mut totals, row, i, start);
            } else {
                reduce_row::<false>(p, &mut totals, row, i, start);
            }
        }
        (p.lowest, p.highest) = (extreme(totals.lowest, f32::min), extreme(totals.highest, f32::max));
        let above = i32x4_add(totals.above, i32x4_shuffle::<2, 3, 0, 1>(totals.above, totals.above));
        p.above = (i32x4_extract_lane::<0>(above) + i32x4_extract_lane::<1>(above)) as u32;
        p.listed = totals.listed;
    }
}

struct Totals {
    lowest: v128,
    highest: v128,
    above: v128,
    listed: u32,
}

/// COUNT: the row's pairs are counted; otherwise only columns look for candidates in it.
#[inline(always)]
unsafe fn reduce_row<const COUNT: bool>(p: &Pass, totals: &mut Totals, row: *const f32, i: usize, start: usize) {
    unsafe {
        let width = p.width as usize;
        let mut j = start;
        let mut limit = f32x4_splat(limit_of::<COUNT>(p, i));
        while j + GROUP <= width {
            let (a, b) = (v128_load(row.add(j).cast()), v128_load(row.add(j + 4).cast()));
            if COUNT {
                totals.lowest = f32x4_pmin(totals.lowest, f32x4_pmin(a, b));
                totals.highest = f32x4_pmax(totals.highest, f32x4_pmax(a, b));
                let threshold = f32x4_splat(p.threshold);
                totals.above = i32x4_sub(totals.above, i32x4_add(f32x4_ge(a, threshold), f32x4_ge(b, threshold)));
                count(p.counters, a, b);
            }
            let bars = p.column_bars.add(j);
            let wanted_a = f32x4_ge(a, f32x4_pmin(limit, v128_load(bars.cast())));
            let wanted_b = f32x4_ge(b, f32x4_pmin(limit, v128_load(bars.add(4).cast())));
            if v128_any_true(v128_or(wanted_a, wanted_b)) {
                let mut lanes = i32x4_bitmask(wanted_a) as u32 | (i32x4_bitmask(wanted_b) as u32) << 4;
                while lanes != 0 {
                    take::<COUNT>(p, totals, row, i, j + lanes.trailing_zeros() as usize);
                    lanes &= lanes - 1;
                }
                limit = f32x4_splat(limit_of::<COUNT>(p, i));
            }
            j += GROUP;
        }
        // The last few values, four lanes with the same one.
        while j < width {
            let value = *row.add(j);
            if COUNT {
                totals.lowest = f32x4_pmin(totals.lowest, f32x4_splat(value));
                totals.highest = f32x4_pmax(totals.highest, f32x4_splat(value));
                totals.above = i32x4_add(totals.above, i32x4((value >= p.threshold) as i32, 0, 0, 0));
                *p.counters.add(bin_of(value)) += 1;
            }
            take::<COUNT>(p, totals, row, i, j);
            j += 1;
        }
    }
}

/// The least value of a row that its neighbours or the list of pairs can use.
#[inline(always)]
unsafe fn limit_of<const COUNT: bool>(p: &Pass, i: usize) -> f32 {
    if !COUNT {
        return f32::INFINITY;
    }
    if p.k == 0 { p.floor } else { unsafe { p.floor.min(*p.bars.add(p.row as usize + i - p.held as usize)) } }
}

/// Counts eight values in their bins.
#[inline(always)]
unsafe fn count(counters: *mut u32, a: v128, b: v128) {
    unsafe {
        let (scaled_a, scaled_b) = (f32x4_mul(a, f32x4_splat(SCALE)), f32x4_mul(b, f32x4_splat(SCALE)));
        let (floor_a, floor_b) = (f32x4_floor(scaled_a), f32x4_floor(scaled_b));
        add(counters, floor_a);
        add(counters, floor_b);
        // The product was rounded: a whole result may have been slightly less.
        let whole_a = f32x4_eq(scaled_a, floor_a);
        let whole_b = f32x4_eq(scaled_b, floor_b);
        if v128_any_true(v128_or(whole_a, whole_b)) {
            correct(counters, whole_a, a);
            correct(counters, whole_b, b);
        }
    }
}

#[inline(always)]
unsafe fn add(counters: *mut u32, floor: v128) {
    unsafe {
        let at = v128_and(f32x4_add(floor, f32x4_splat(SHIFT)), i32x4_splat(COUNTERS - 1));
        *counters.add(u32x4_extract_lane::<0>(at) as usize) += 1;
        *counters.add(u32x4_extract_lane::<1>(at) as usize) += 1;
        *counters.add(u32x4_extract_lane::<2>(at) as usize) += 1;
        *counters.add(u32x4_extract_lane::<3>(at) as usize) += 1;
    }
}

/// Moves those of four values that were counted one bin too high.
#[inline(never)]
unsafe fn correct(counters: *mut u32, whole: v128, values: v128) {
    unsafe {
        let mut lanes = i32x4_bitmask(whole);
        let mut four = [0f32; 4];
        v128_store(four.as_mut_ptr().cast(), values);
        while lanes != 0 {
            let value = four[lanes.trailing_zeros() as usize & 3];
            let counted = (value * SCALE) as i32 + COUNTERS / 2;
            let bin = bin_of(value);
            if bin as i32 != counted {
                *counters.add(counted as usize & (COUNTERS as usize - 1)) -= 1;
                *counters.add(bin) += 1;
            }
            lanes &= lanes - 1;
        }
    }
}

/// The bin of a value; in float64 the product is exact.
#[inline(always)]
fn bin_of(value: f32) -> usize {
    ((value as f64 * SCALE as f64).floor() as i32 + COUNTERS / 2) as usize & (COUNTERS as usize - 1)
}

/// Offers a value to its row and to its column, and lists it when it is high enough.
#[inline(always)]
unsafe fn take<const COUNT: bool>(p: &Pass, totals: &mut Totals, row: *const f32, i: usize, j: usize) {
    unsafe {
        let value = *row.add(j);
        let (row_number, column_number) = (p.row + i as u32, p.column + j as u32);
        if COUNT && p.k > 0 && value >= *p.bars.add((row_number - p.held) as usize) {
            offer(p, (row_number - p.held) as usize, column_number, value);
        }
        // Infinite for a column that looks for none.
        if value >= *p.column_bars.add(j) {
            *p.column_bars.add(j) = offer(p, (column_number - p.held) as usize, row_number, value);
        }
        if COUNT && value >= p.floor {
            let pair = p.pairs.add(3 * totals.listed as usize);
            *pair = row_number;
            *pair.add(1) = column_number;
            *pair.add(2) = value.to_bits();
            totals.listed += 1;
        }
    }
}

/// Puts a candidate among the best of a row if it belongs there; gives the new bar. Of equal ones the lower number is better.
#[inline(never)]
unsafe fn offer(p: &Pass, row: usize, candidate: u32, value: f32) -> f32 {
    unsafe {
        let last = p.k as usize - 1;
        let (index, score) = (p.index.add(row * p.k as usize), p.score.add(row * p.k as usize));
        let is_better = |at: usize| value > *score.add(at) || (value == *score.add(at) && candidate < *index.add(at));
        let bar = p.bars.add(row);
        if is_better(last) {
            let mut at = last;
            while at > 0 && is_better(at - 1) {
                *score.add(at) = *score.add(at - 1);
                *index.add(at) = *index.add(at - 1);
                at -= 1;
            }
            *score.add(at) = value;
            *index.add(at) = candidate;
            // Another worker may have raised the bar above what is known here.
            *bar = (*score.add(last)).max(*bar);
        }
        *bar
    }
}

/// Adds the outer products of some rows with themselves to `sums`, (size, size) of which the 4 x 4 blocks on and above the
/// diagonal are kept.
///
/// # Safety
/// `rows` holds `count` rows of `size` float64 each; `size` is a multiple of 4.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gram(rows: *const f64, count: usize, size: usize, sums: *mut f64) {
    unsafe {
        for a in (0..size).step_by(4) {
            for b in (a..size).step_by(4) {
                let mut block = [[f64x2_splat(0.0); 2]; 4];
                for r in 0..count {
                    let row = rows.add(r * size);
                    let right = [v128_load(row.add(b).cast()), v128_load(row.add(b + 2).cast())];
                    for (k, sum) in block.iter_mut().enumerate() {
                        let left = v128_load64_splat(row.add(a + k).cast());
                        sum[0] = f64x2_add(sum[0], f64x2_mul(left, right[0]));
                        sum[1] = f64x2_add(sum[1], f64x2_mul(left, right[1]));
                    }
                }
                for (k, sum) in block.iter().enumerate() {
                    for half in 0..2 {
                        let at = sums.add((a + k) * size + b + 2 * half).cast::<v128>();
                        v128_store(at, f64x2_add(v128_load(at), sum[half]));
                    }
                }
            }
        }
    }
}

fn extreme(four: v128, of: fn(f32, f32) -> f32) -> f32 {
    let left = of(f32x4_extract_lane::<0>(four), f32x4_extract_lane::<1>(four));
    of(left, of(f32x4_extract_lane::<2>(four), f32x4_extract_lane::<3>(four)))
}
