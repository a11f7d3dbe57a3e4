//! The group of Istio's three kinds.

use crate::resource::Api;

/// The group of Istio's networking kinds, and the versions that are read.
pub(crate) const ISTIO: Api =
    Api { group: "networking.istio.io", versions: &["v1", "v1beta1", "v1alpha3"], owner: "Istio" };

/// Returns true for a message without anything in it, which is not written: it was not given.
pub(super) fn is_default<T: Default + PartialEq>(message: &T) -> bool {
    *message == T::default()
}

/// Makes a struct with `metadata`, `spec`, `status` and `version` an object of Istio.
macro_rules! istio_object {
    ($object:ident, $spec:ident, $plural:literal) => {
        $crate::resource::kubernetes_object!(
            $object,
            $spec,
            stringify!($object),
            $plural,
            $crate::networking::object::ISTIO,
            "networking.istio.io",
            "v1",
            NamespaceResourceScope
        );
        $crate::resource::namespaced!($object);
    };
}
pub(super) use istio_object;
