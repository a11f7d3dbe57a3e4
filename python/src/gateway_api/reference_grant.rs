//! `canary.ReferenceGrant`.

use pyo3::prelude::*;

use super::gateway_api_class;

gateway_api_class!(
    ReferenceGrant,
    ReferenceGrant,
    "ReferenceGrant",
    "ReferenceGrantSpec",
    "The Gateway API's `ReferenceGrant`: a permission to refer to objects of another namespace.",
    {
        #[staticmethod]
        fn allow_routes(from_namespace: String, to_namespace: String) -> Self {
            canary_core::gateway_api::ReferenceGrant::allow_routes(from_namespace, to_namespace)
                .into()
        }
    }
);
