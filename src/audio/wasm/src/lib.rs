//! The audio decoders of speakerscope, the inner loop of its resampler, and its filter bank, as one WebAssembly module.
//!
//! The containers (Ogg, MP4, MPEG audio frames, ADTS) are read in TypeScript, which knows where a file is cut off and
//! what has to be trimmed; this module turns packets into samples. FLAC comes as a stream, because its frames carry no
//! length: its bytes are asked for by the one import, `read`.
//!
//! A `Machine` decodes one file. The caller writes into `reserve`d memory, calls `open_*` once and `decode` until it
//! gives 0 (FLAC) or once for every batch of packets, and reads the planes in between. A panic traps; the caller then
//! throws the instance away.

mod fbank;
mod resample;

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fbank::Plan;
use resample::Grid;
use symphonia_bundle_flac::{FlacDecoder, FlacReader};
use symphonia_bundle_mp3::MpaDecoder;
use symphonia_codec_aac::AacDecoder;
use symphonia_codec_alac::AlacDecoder;
use symphonia_codec_vorbis::VorbisDecoder;
use symphonia_core::audio::GenericAudioBufferRef;
use symphonia_core::codecs::audio::well_known::{
    CODEC_ID_AAC, CODEC_ID_ALAC, CODEC_ID_FLAC, CODEC_ID_MP2, CODEC_ID_MP3, CODEC_ID_VORBIS,
};
use symphonia_core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia_core::formats::{FormatOptions, FormatReader};
use symphonia_core::io::{MediaSource, MediaSourceStream};
use symphonia_core::packet::PacketBuilder;
use symphonia_core::units::{Duration, Timestamp};
use unsafe_libopus::{
    OpusMSDecoder, opus_multistream_decode_float, opus_multistream_decoder_create, opus_multistream_decoder_destroy,
};

/// 120 ms at 48 kHz: the longest Opus packet.
const OPUS_MAX_FRAMES: usize = 5760;

enum Decoder {
    Packets(Box<dyn AudioDecoder>),
    Flac(Flac),
    Opus(Opus),
}

#[link(wasm_import_module = "host")]
unsafe extern "C" {
    /// Puts up to `length` of the next bytes at `address` and gives their number, 0 at the end.
    fn read(address: *mut u8, length: usize) -> usize;
}

/// The metadata of a FLAC file, and then its frames as the host gives them.
struct Frames {
    head: io::Cursor<Vec<u8>>,
    /// Bytes of frames so far.
    given: Arc<AtomicU64>,
}

impl Read for Frames {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.head.read(buffer)?;
        if count > 0 || buffer.is_empty() {
            return Ok(count);
        }
        let count = unsafe { read(buffer.as_mut_ptr(), buffer.len()) };
        self.given.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl Seek for Frames {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl MediaSource for Frames {
    fn is_seekable(&self) -> bool {
        false
    }

    fn byte_len(&self) -> Option<u64> {
        None
    }
}

struct Flac {
    reader: FlacReader<'static>,
    decoder: FlacDecoder,
    position: i64,
    /// Bytes that the host has given.
    given: Arc<AtomicU64>,
    /// Bytes that were in frames.
    taken: u64,
    /// What went wrong behind frames that were still to be given out.
    failure: Option<String>,
}

impl Flac {
    /// The next frame, or none at the end.
    fn next(&mut self) -> Outcome<Option<GenericAudioBufferRef<'_>>> {
        let Some(packet) = self.reader.next_packet().map_err(text)? else {
            return match self.given.load(Ordering::Relaxed).saturating_sub(self.taken) {
                0 => Ok(None),
                rest => Err(format!("{rest} bytes lie behind the last whole frame")),
            };
        };
        // The reader skips what it cannot read.
        if packet.pts.get() != self.position {
            return Err(format!("a damaged frame at sample {}", self.position));
        }
        let buffer = self.decoder.decode(&packet).map_err(text)?;
        self.position += buffer.frames() as i64;
        self.taken += packet.data.len() as u64;
        Ok(Some(buffer))
    }
}

struct Opus {
    state: *mut OpusMSDecoder,
    channels: usize,
    interleaved: Vec<f32>,
}

impl Drop for Opus {
    fn drop(&mut self) {
        unsafe { opus_multistream_decoder_destroy(self.state) }
    }
}

#[derive(Default)]
pub struct Machine {
    input: Vec<u8>,
    planes: Vec<Vec<f32>>,
    sample_rate: u32,
    message: String,
    decoder: Option<Decoder>,
}

type Outcome<T> = Result<T, String>;

impl Machine {
    /// `input` is the metadata; the host gives the frames.
    fn open_flac(&mut self) -> Outcome<()> {
        let given = Arc::new(AtomicU64::new(0));
        let source = Frames { head: io::Cursor::new(std::mem::take(&mut self.input)), given: given.clone() };
        let stream = MediaSourceStream::new(Box::new(source), Default::default());
        let reader = FlacReader::try_new(stream, FormatOptions::default()).map_err(text)?;
        let params = reader.tracks().first().and_then(|t| t.codec_params.as_ref()?.audio());
        let mut params = params.ok_or("no STREAMINFO")?.clone();
        params.for_codec(CODEC_ID_FLAC);
        let decoder = FlacDecoder::try_new(&params, &AudioDecoderOptions::default()).map_err(text)?;
        self.decoder = Some(Decoder::Flac(Flac { reader, decoder, position: 0, given, taken: 0, failure: None }));
        Ok(())
    }

    /// `input` is what the codec calls its extra data: AudioSpecificConfig, ALAC magic cookie, Vorbis headers 1 and 3.
    fn open_packets(&mut self, codec: u32) -> Outcome<()> {
        let options = AudioDecoderOptions::default();
        let mut params = AudioCodecParameters::new();
        params.with_extra_data(std::mem::take(&mut self.input).into_boxed_slice());
        let decoder: Box<dyn AudioDecoder> = match codec {
            0 => Box::new(MpaDecoder::try_new(params.for_codec(CODEC_ID_MP3), &options).map_err(text)?),
            1 => Box::new(MpaDecoder::try_new(params.for_codec(CODEC_ID_MP2), &options).map_err(text)?),
            2 => Box::new(AacDecoder::try_new(params.for_codec(CODEC_ID_AAC), &options).map_err(text)?),
            3 => Box::new(AlacDecoder::try_new(params.for_codec(CODEC_ID_ALAC), &options).map_err(text)?),
            4 => Box::new(VorbisDecoder::try_new(params.for_codec(CODEC_ID_VORBIS), &options).map_err(text)?),
            _ => return Err(format!("no codec has the number {codec}")),
        };
        self.decoder = Some(Decoder::Packets(decoder));
        Ok(())
    }

    /// `input` is the channel mapping.
    fn open_opus(&mut self, streams: i32, coupled: i32) -> Outcome<()> {
        let mapping = std::mem::take(&mut self.input);
        let channels = mapping.len();
        let mut error = 0;
        let state = unsafe {
            opus_multistream_decoder_create(48_000, channels as i32, streams, coupled, mapping.as_ptr(), &mut error)
        };
        if state.is_null() {
            return Err(format!("libopus refuses the channel mapping ({error})"));
        }
        let interleaved = vec![0.0; OPUS_MAX_FRAMES * channels];
        self.sample_rate = 48_000;
        self.decoder = Some(Decoder::Opus(Opus { state, channels, interleaved }));
        Ok(())
    }

    /// Packets: decodes all of `input`, each packet behind its length (u32, little endian). FLAC: decodes on until there
    /// are at least `wanted` frames. Gives the number of frames that the planes now hold.
    fn decode(&mut self, wanted: usize) -> Outcome<usize> {
        for plane in &mut self.planes {
            plane.clear();
        }
        let Machine { input, planes, sample_rate, decoder, .. } = self;
        match decoder.as_mut().ok_or("nothing is open")? {
            Decoder::Flac(flac) => {
                if let Some(failure) = flac.failure.take() {
                    return Err(failure);
                }
                while frames(planes) < wanted {
                    match flac.next() {
                        Ok(Some(buffer)) => append(planes, sample_rate, buffer)?,
                        Ok(None) => break,
                        Err(failure) if frames(planes) > 0 => {
                            flac.failure = Some(failure);
                            break;
                        }
                        Err(failure) => return Err(failure),
                    }
                }
            }
            Decoder::Packets(decoder) => {
                for data in packets(input) {
                    let packet =
                        PacketBuilder::new().track_id(0).pts(Timestamp::ZERO).dur(Duration::ZERO).data(data).build();
                    append(planes, sample_rate, decoder.decode(&packet).map_err(text)?)?;
                }
            }
            Decoder::Opus(opus) => {
                planes.resize_with(opus.channels, Vec::new);
                for data in packets(input) {
                    let count = unsafe {
                        opus_multistream_decode_float(
                            opus.state,
                            data.as_ptr(),
                            data.len() as i32,
                            opus.interleaved.as_mut_ptr(),
                            OPUS_MAX_FRAMES as i32,
                            0,
                        )
                    };
                    if count < 0 {
                        return Err(format!("libopus refuses a packet ({count})"));
                    }
                    let decoded = &opus.interleaved[..count as usize * opus.channels];
                    for (c, plane) in planes.iter_mut().enumerate() {
                        plane.extend(decoded.iter().skip(c).step_by(opus.channels));
                    }
                }
            }
        }
        Ok(frames(planes))
    }
}

fn append(planes: &mut Vec<Vec<f32>>, sample_rate: &mut u32, buffer: GenericAudioBufferRef<'_>) -> Outcome<()> {
    let spec = buffer.spec();
    let channels = spec.channels().count();
    if planes.is_empty() {
        planes.resize_with(channels, Vec::new);
        *sample_rate = spec.rate();
    }
    if channels != planes.len() || spec.rate() != *sample_rate {
        return Err("the number of channels or the sample rate changes within the file".into());
    }
    let count = buffer.frames();
    let mut ends: Vec<&mut [f32]> = planes
        .iter_mut()
        .map(|plane| {
            let start = plane.len();
            plane.resize(start + count, 0.0);
            &mut plane[start..]
        })
        .collect();
    buffer.copy_to_slice_planar::<f32, _>(&mut ends);
    Ok(())
}

fn frames(planes: &[Vec<f32>]) -> usize {
    planes.first().map_or(0, Vec::len)
}

fn packets(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = input;
    std::iter::from_fn(move || {
        let (length, tail) = rest.split_first_chunk::<4>()?;
        let (packet, tail) = tail.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        rest = tail;
        Some(packet)
    })
}

fn text(error: symphonia_core::errors::Error) -> String {
    error.to_string()
}

fn settle(machine: &mut Machine, outcome: Outcome<usize>) -> i32 {
    match outcome {
        Ok(count) => count as i32,
        Err(message) => {
            machine.message = message;
            -1
        }
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn create() -> *mut Machine {
    Box::into_raw(Box::default())
}

/// # Safety
/// `machine` comes from `create` and is used no more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn destroy(machine: *mut Machine) {
    drop(unsafe { Box::from_raw(machine) });
}

/// Makes the input `length` bytes long and gives its address.
#[unsafe(no_mangle)]
pub extern "C" fn reserve(machine: &mut Machine, length: usize) -> *mut u8 {
    machine.input.clear();
    machine.input.resize(length, 0);
    machine.input.as_mut_ptr()
}

#[unsafe(no_mangle)]
pub extern "C" fn open_flac(machine: &mut Machine) -> i32 {
    let outcome = machine.open_flac();
    settle(machine, outcome.map(|()| 0))
}

#[unsafe(no_mangle)]
pub extern "C" fn open_packets(machine: &mut Machine, codec: u32) -> i32 {
    let outcome = machine.open_packets(codec);
    settle(machine, outcome.map(|()| 0))
}

#[unsafe(no_mangle)]
pub extern "C" fn open_opus(machine: &mut Machine, streams: i32, coupled: i32) -> i32 {
    let outcome = machine.open_opus(streams, coupled);
    settle(machine, outcome.map(|()| 0))
}

#[unsafe(no_mangle)]
pub extern "C" fn decode(machine: &mut Machine, wanted: usize) -> i32 {
    let outcome = machine.decode(wanted);
    settle(machine, outcome)
}

#[unsafe(no_mangle)]
pub extern "C" fn channels(machine: &Machine) -> usize {
    machine.planes.len()
}

#[unsafe(no_mangle)]
pub extern "C" fn plane(machine: &Machine, channel: usize) -> *const f32 {
    machine.planes[channel].as_ptr()
}

#[unsafe(no_mangle)]
pub extern "C" fn message(machine: &Machine) -> *const u8 {
    machine.message.as_ptr()
}

#[unsafe(no_mangle)]
pub extern "C" fn message_length(machine: &Machine) -> usize {
    machine.message.len()
}

/// Memory for 32-bit floats, all 0, or for half as many doubles; goes back by `release`.
#[unsafe(no_mangle)]
pub extern "C" fn floats(length: usize) -> *mut f32 {
    Box::into_raw(vec![0.0f64; length.div_ceil(2)].into_boxed_slice()).cast()
}

/// # Safety
/// `memory` comes from `floats` with the same length and is used no more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn release(memory: *mut f64, length: usize) {
    drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(memory, length.div_ceil(2))) });
}

/// # Safety
/// The three addresses come from `floats` with the given lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resample(
    input: *const f32,
    input_length: usize,
    filters: *const f32,
    filters_length: usize,
    taps: usize,
    phases: u32,
    step: u32,
    phase: u32,
    output: *mut f32,
    output_length: usize,
) {
    let input = unsafe { std::slice::from_raw_parts(input, input_length) };
    let filters = unsafe { std::slice::from_raw_parts(filters, filters_length) };
    let output = unsafe { std::slice::from_raw_parts_mut(output, output_length) };
    let grid = Grid { filters, taps, phases: phases.into(), step: step.into(), phase: phase.into() };
    resample::resample(input, &grid, output);
}

/// # Safety
/// The three addresses come from `floats` with room for the given numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fbank(
    plan: *const f64,
    plan_length: usize,
    samples: *const f32,
    samples_length: usize,
    output: *mut f32,
    output_length: usize,
) {
    let plan = Plan::read(unsafe { std::slice::from_raw_parts(plan, plan_length) });
    let samples = unsafe { std::slice::from_raw_parts(samples, samples_length) };
    let output = unsafe { std::slice::from_raw_parts_mut(output, output_length) };
    fbank::fbank(&plan, samples, output);
}
