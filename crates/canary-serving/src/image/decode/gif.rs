//! The first frame of a GIF.

use super::{Decoded, Failure, check_size, one_line};

pub(super) fn decode(bytes: &[u8], max_pixels: u64) -> Result<Decoded, Failure> {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::Indexed);
    let mut decoder = options.read_info(bytes).map_err(|error| broken(&error))?;
    let (height, width) = (decoder.height(), decoder.width());
    let frame = decoder
        .next_frame_info()
        .map_err(|error| broken(&error))?
        .ok_or_else(|| Failure::Broken("no frame".to_owned()))?;
    let transparent = frame.transparent;
    let (top, left) = (usize::from(frame.top), usize::from(frame.left));
    let (rows, columns) = (usize::from(frame.height), usize::from(frame.width));
    // A canvas of no size is as large as its first frame.
    let height = if height == 0 { top + rows } else { usize::from(height) };
    let width = if width == 0 { left + columns } else { usize::from(width) };
    let length = check_size(height as u64, width as u64, max_pixels)?;
    check_size(rows as u64, columns as u64, max_pixels)?;
    let mut indexes = vec![0; rows * columns];
    decoder.read_into_buffer(&mut indexes).map_err(|error| broken(&error))?;
    let palette = decoder.palette().map_err(|error| broken(&error))?;
    let colours = palette_of(palette, transparent);
    let mut rgb = vec![0; length];
    // What lies beyond the canvas is not shown.
    let shown_columns = columns.min(width.saturating_sub(left));
    let shown_rows = rows.min(height.saturating_sub(top));
    if shown_columns > 0 {
        let lines = rgb.chunks_exact_mut(width * 3).skip(top).zip(indexes.chunks_exact(columns));
        for (line, indexes) in lines.take(shown_rows) {
            let pixels = line[left * 3..].chunks_exact_mut(3);
            for (pixel, &index) in pixels.zip(&indexes[..shown_columns]) {
                pixel.copy_from_slice(&colours[usize::from(index)]);
            }
        }
    }
    Ok(Decoded { height, width, rgb, orientation: None })
}

/// The colour of each index: black where nothing was drawn, and beyond the palette's end.
fn palette_of(palette: &[u8], transparent: Option<u8>) -> [[u8; 3]; 256] {
    let mut colours = [[0; 3]; 256];
    for (colour, entry) in colours.iter_mut().zip(palette.chunks_exact(3)) {
        colour.copy_from_slice(entry);
    }
    if let Some(index) = transparent {
        colours[usize::from(index)] = [0; 3];
    }
    colours
}

fn broken(error: &gif::DecodingError) -> Failure {
    one_line(&error.to_string())
}
