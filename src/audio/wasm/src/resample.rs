//! The inner loop of the resampler: the filters come from TypeScript, which is no slower at making them.

use core::arch::wasm32::*;

/// Where the output lies between the input samples, and the filters for that.
pub struct Grid<'a> {
    /// One filter after the other, each of `taps` weights: a multiple of 16.
    pub filters: &'a [f32],
    pub taps: usize,
    /// Output k lies at input position (phase + k * step) / phases: its whole part says where in the input the taps
    /// begin, its remainder the filter.
    pub phases: u64,
    pub step: u64,
    pub phase: u64,
}

/// For every output sample the sum of `taps` input samples, weighted by the filter of its phase.
///
/// With as many filters as phases each phase has its own; else the weights lie on the line between two neighbours, and
/// there is a filter more than intervals.
pub fn resample(input: &[f32], grid: &Grid, output: &mut [f32]) {
    let Grid { filters, taps, phases, step, mut phase } = *grid;
    let count = (filters.len() / taps) as u64;
    let filter = |index: u64| &filters[index as usize * taps..][..taps];
    let mut start = 0;
    for sample in output {
        let window = &input[start..start + taps];
        *sample = if count == phases {
            dot(window, filter(phase))
        } else {
            let place = phase * (count - 1);
            let share = (place % phases) as f32 / phases as f32;
            let (left, right) = (dot(window, filter(place / phases)), dot(window, filter(place / phases + 1)));
            left + share * (right - left)
        };
        phase += step;
        start += (phase / phases) as usize;
        phase %= phases;
    }
}

/// Four accumulators hide the latency of the addition.
#[inline]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [f32x4_splat(0.0); 4];
    for (a, b) in a.chunks_exact(16).zip(b.chunks_exact(16)) {
        for (i, sum) in sums.iter_mut().enumerate() {
            let (a, b) = unsafe { (v128_load(a[4 * i..].as_ptr().cast()), v128_load(b[4 * i..].as_ptr().cast())) };
            *sum = f32x4_add(*sum, f32x4_mul(a, b));
        }
    }
    let sum = f32x4_add(f32x4_add(sums[0], sums[1]), f32x4_add(sums[2], sums[3]));
    f32x4_extract_lane::<0>(sum)
        + f32x4_extract_lane::<1>(sum)
        + f32x4_extract_lane::<2>(sum)
        + f32x4_extract_lane::<3>(sum)
}
