//! From samples to (log) band energies: frames, DC offset, pre-emphasis, window, Fourier transform, power, filters, log.
//!
//! Every step takes its numbers from TypeScript, which makes the tables (window, twiddle factors, mel filters); so one
//! loop serves all front ends that differ in those. A pair of frames goes through together, one in each SIMD lane: the
//! transform then needs no shuffles. All in float64 up to the energies, which are float32.

use core::arch::wasm32::*;

/// The settings and tables of one front end.
pub struct Plan<'a> {
    /// Samples between the starts of two frames.
    shift: usize,
    /// Points of the transform: even, at least the length of the window.
    size: usize,
    /// Each sample loses this times the one before it; the first of a frame loses it times itself, as in Kaldi.
    preemphasis: f64,
    remove_dc: bool,
    /// Whether energies become ln(max(energy, floor) + offset).
    log: bool,
    floor: f32,
    offset: f32,
    /// The weight of each sample of a frame.
    window: &'a [f64],
    /// cos and sin of -2 pi k / size for every k below size.
    turns: &'a [[f64; 2]],
    /// Of each filter the first spectral bin and the weights from there on.
    filters: Vec<(usize, &'a [f64])>,
}

impl<'a> Plan<'a> {
    /// Reads what band-energies.ts has written: nine settings, the window, the turns, and each filter as first bin, number
    /// of weights, weights.
    pub fn read(numbers: &'a [f64]) -> Self {
        let (settings, rest) = numbers.split_at(9);
        let &[length, shift, size, bands, preemphasis, remove_dc, log, floor, offset] = settings else {
            unreachable!()
        };
        let (window, rest) = rest.split_at(length as usize);
        let (turns, mut rest) = rest.split_at(2 * size as usize);
        let filters = (0..bands as usize)
            .map(|_| {
                let (weights, after) = rest[2..].split_at(rest[1] as usize);
                let first = rest[0] as usize;
                rest = after;
                (first, weights)
            })
            .collect();
        Plan {
            shift: shift as usize,
            size: size as usize,
            preemphasis,
            remove_dc: remove_dc != 0.0,
            log: log != 0.0,
            floor: floor as f32,
            offset: offset as f32,
            window,
            turns: turns.as_chunks().0,
            filters,
        }
    }
}

/// Fills `output`, one row of bands a frame, from samples that hold those frames.
pub fn fbank(plan: &Plan, samples: &[f32], output: &mut [f32]) {
    let bands = plan.filters.len();
    let zero = f64x2_splat(0.0);
    let mut spectrum = vec![[zero; 2]; plan.size / 2];
    let mut scratch = spectrum.clone();
    let mut power = vec![zero; plan.size / 2 + 1];
    let mut start = 0;
    for rows in output.chunks_mut(2 * bands) {
        let (first, second) = rows.split_at_mut(bands);
        // An odd last frame fills both lanes.
        let other = if second.is_empty() { start } else { start + plan.shift };
        // The transform of half the size takes even samples as real and odd ones as imaginary parts.
        weigh(plan, [start, other].map(|at| &samples[at..][..plan.window.len()]), spectrum.as_flattened_mut());
        transform(plan, &mut spectrum, &mut scratch);
        measure(plan, &spectrum, &mut power);
        for (band, (bin, weights)) in plan.filters.iter().enumerate() {
            let energy = (power[*bin..].iter().zip(*weights))
                .fold(zero, |sum, (&power, &weight)| f64x2_add(sum, f64x2_mul(power, f64x2_splat(weight))));
            first[band] = f64x2_extract_lane::<0>(energy) as f32;
            if let Some(value) = second.get_mut(band) {
                *value = f64x2_extract_lane::<1>(energy) as f32;
            }
        }
        start += 2 * plan.shift;
    }
    if plan.log {
        for value in output {
            let floored = if *value < plan.floor { plan.floor } else { *value };
            *value = ln(floored + plan.offset);
        }
    }
}

/// Two frames without their means, emphasised and weighed with the window; zeros behind them.
fn weigh(plan: &Plan, [first, second]: [&[f32]; 2], weighed: &mut [v128]) {
    let mean = if plan.remove_dc { f64x2(mean(first), mean(second)) } else { f64x2_splat(0.0) };
    let preemphasis = f64x2_splat(plan.preemphasis);
    let mut before = f64x2_sub(f64x2(first[0].into(), second[0].into()), mean);
    let (weighed, behind) = weighed.split_at_mut(plan.window.len());
    for (to, ((&a, &b), &weight)) in weighed.iter_mut().zip(first.iter().zip(second).zip(plan.window)) {
        let value = f64x2_sub(f64x2(a.into(), b.into()), mean);
        *to = f64x2_mul(f64x2_sub(value, f64x2_mul(preemphasis, before)), f64x2_splat(weight));
        before = value;
    }
    behind.fill(f64x2_splat(0.0));
}

fn mean(frame: &[f32]) -> f64 {
    // Eight accumulators hide the latency of the addition.
    let mut sums = [0.0; 8];
    for part in frame.chunks(8) {
        sums.iter_mut().zip(part).for_each(|(sum, &value)| *sum += f64::from(value));
    }
    sums.iter().sum::<f64>() / frame.len() as f64
}

/// Real and imaginary part, of two frames each.
type Complex = [v128; 2];

#[inline(always)]
fn add(a: Complex, b: Complex) -> Complex {
    [f64x2_add(a[0], b[0]), f64x2_add(a[1], b[1])]
}

#[inline(always)]
fn sub(a: Complex, b: Complex) -> Complex {
    [f64x2_sub(a[0], b[0]), f64x2_sub(a[1], b[1])]
}

#[inline(always)]
fn mul(a: Complex, b: Complex) -> Complex {
    [f64x2_sub(f64x2_mul(a[0], b[0]), f64x2_mul(a[1], b[1])), f64x2_add(f64x2_mul(a[0], b[1]), f64x2_mul(a[1], b[0]))]
}

/// -i a
#[inline(always)]
fn turned([re, im]: Complex) -> Complex {
    [im, f64x2_neg(re)]
}

/// |a|^2
#[inline(always)]
fn squared([re, im]: Complex) -> v128 {
    f64x2_add(f64x2_mul(re, re), f64x2_mul(im, im))
}

/// exp(-2 pi i k / size), for both frames.
#[inline(always)]
fn turn(plan: &Plan, k: usize) -> Complex {
    let [cos, sin] = plan.turns[k];
    [f64x2_splat(cos), f64x2_splat(sin)]
}

/// Stockham's Fourier transform, in place of `x`: it sorts while it goes, each stage from one array into the other.
fn transform(plan: &Plan, x: &mut Vec<Complex>, y: &mut Vec<Complex>) {
    let mut stride = 1;
    while stride < x.len() {
        let points = x.len() / stride;
        if points.is_multiple_of(4) {
            radix4(plan, x, y, stride);
            stride *= 4;
        } else {
            let radix = (2..=points).find(|&radix| points.is_multiple_of(radix)).unwrap();
            any_radix(plan, x, y, stride, radix);
            stride *= radix;
        }
        core::mem::swap(x, y);
    }
}

fn radix4(plan: &Plan, x: &[Complex], y: &mut [Complex], stride: usize) {
    let quarter = x.len() / 4;
    for (k, out) in y.chunks_exact_mut(4 * stride).enumerate() {
        let [w1, w2, w3] = [1, 2, 3].map(|m| turn(plan, 2 * stride * k * m));
        // A third of all these factors are 1.
        let times = |value, factor| if k == 0 { value } else { mul(value, factor) };
        let [a, b, c, d] = [0, 1, 2, 3].map(|part| &x[part * quarter + stride * k..][..stride]);
        let (out0, rest) = out.split_at_mut(stride);
        let (out1, rest) = rest.split_at_mut(stride);
        let (out2, out3) = rest.split_at_mut(stride);
        for j in 0..stride {
            let (even, odd) = (add(a[j], c[j]), add(b[j], d[j]));
            let (even_rest, odd_rest) = (sub(a[j], c[j]), turned(sub(b[j], d[j])));
            out0[j] = add(even, odd);
            out1[j] = times(add(even_rest, odd_rest), w1);
            out2[j] = times(sub(even, odd), w2);
            out3[j] = times(sub(even_rest, odd_rest), w3);
        }
    }
}

/// The same for the other prime factors of a size, by the definition.
fn any_radix(plan: &Plan, x: &[Complex], y: &mut [Complex], stride: usize, radix: usize) {
    let part = x.len() / radix;
    for (k, out) in y.chunks_exact_mut(radix * stride).enumerate() {
        for (m, values) in out.chunks_exact_mut(stride).enumerate() {
            let whole = turn(plan, 2 * stride * k * m);
            for (j, value) in values.iter_mut().enumerate() {
                let sum = (1..radix).fold(x[stride * k + j], |sum, r| {
                    let factor = turn(plan, r * m % radix * (plan.size / radix));
                    add(sum, mul(x[r * part + stride * k + j], factor))
                });
                *value = mul(sum, whole);
            }
        }
    }
}

/// The power of every bin, Nyquist's too, of the real signal whose even and odd samples were transformed as one.
fn measure(plan: &Plan, x: &[Complex], power: &mut [v128]) {
    let half = x.len();
    let quarter = f64x2_splat(0.25);
    for k in 0..=half / 2 {
        let (a, mirror) = (x[k % half], x[(half - k) % half]);
        let mirror = [mirror[0], f64x2_neg(mirror[1])];
        let even = add(a, mirror);
        let odd = mul(turned(sub(a, mirror)), turn(plan, k));
        power[k] = f64x2_mul(squared(add(even, odd)), quarter);
        power[half - k] = f64x2_mul(squared(sub(even, odd)), quarter);
    }
}

/// Natural logarithm of a positive normal number to 1e-7, by the polynomial of Cephes' logf; without branches, so that
/// the compiler makes SIMD of it. What is not finite stays.
#[inline(always)]
fn ln(x: f32) -> f32 {
    const SQRT_HALF: u32 = 0x3f35_04f3;
    const COEFFICIENTS: [f32; 9] = [
        7.037_683_6e-2,
        -1.151_461e-1,
        1.167_699_9e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_8e-1,
        2.000_071_5e-1,
        -2.499_999_4e-1,
        3.333_333e-1,
    ];
    // x = 2^exponent * (1 + f), with 1 + f between sqrt(0.5) and sqrt(2).
    let bits = x.to_bits().wrapping_sub(SQRT_HALF) as i32;
    let exponent = (bits >> 23) as f32;
    let f = f32::from_bits((bits as u32 & 0x007f_ffff) + SQRT_HALF) - 1.0;
    let square = f * f;
    let series = COEFFICIENTS.iter().fold(0.0, |sum, c| sum * f + c) * f * square;
    // ln 2 in two parts, so that the larger product is exact.
    let value = f + (series - 2.121_944_4e-4 * exponent - 0.5 * square) + 0.693_359_4 * exponent;
    if x.is_finite() { value } else { x }
}
