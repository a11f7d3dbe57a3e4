//! The text of a preparation: every setting, those of its preset spelt out.

use std::fmt::Write;

use canary_core::image::{Channels, Crop, Fit, NormalizedBox, Preprocess, Preset};

use super::names::{DTYPES, FILTERS, LAYOUTS, LIBRARIES, Names, PRESETS, name_of};

/// The call that makes the preparation again.
pub(super) fn text(core: &Preprocess) -> String {
    let size = core.size.map_or_else(|| "None".to_owned(), |size| format!("{size:?}"));
    let mut text = format!("Preprocess({size}");
    let mut add = |name: &str, value: String| {
        // Writing to a String cannot fail.
        let _ = write!(text, ", {name}={value}");
    };
    match core.preset {
        Preset::MeanStd { mean, std } => add("mean_std", format!("({mean:?}, {std:?})")),
        other => add("preset", quoted(PRESETS, &other)),
    }
    add(
        "crop",
        match core.crop {
            Crop::CentreSquare => "\"square\"".to_owned(),
            Crop::CentralFraction(fraction) => format!("{fraction:?}"),
            _ => "None".to_owned(),
        },
    );
    match core.fit {
        Fit::Pad => add("fit", "\"pad\"".to_owned()),
        Fit::ShorterSide(length) => add("shorter_side", length.to_string()),
        Fit::Box(NormalizedBox { top, left, bottom, right }) => {
            add("crop_box", format!("({top:?}, {left:?}, {bottom:?}, {right:?})"));
        }
        _ => add("fit", "\"stretch\"".to_owned()),
    }
    add("channels", if core.channels == Channels::Grey { "1" } else { "3" }.to_owned());
    add("filter", quoted(FILTERS, &core.filter));
    add("antialias", python(core.antialias));
    add("library", quoted(LIBRARIES, &core.library));
    add("layout", quoted(LAYOUTS, &core.layout));
    add("dtype", quoted(DTYPES, &core.dtype));
    add("exif", python(core.decode.honour_exif));
    add("max_pixels", core.decode.max_pixels.to_string());
    text.push(')');
    text
}

fn quoted<T: PartialEq>(names: Names<T>, value: &T) -> String {
    format!("{:?}", name_of(names, value).unwrap_or_default())
}

fn python(value: bool) -> String {
    if value { "True" } else { "False" }.to_owned()
}
