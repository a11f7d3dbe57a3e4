//! The proxy on the way to the API server.

use canary_http::is_loopback;
use hyper_util::client::proxy::matcher::Matcher;
use kube::{Config, config::Kubeconfig};

/// `true` when the kubeconfig names a proxy for the cluster of this context, or of its current one.
pub(crate) fn is_named(kubeconfig: &Kubeconfig, context: Option<&str>) -> bool {
    let name = context.or(kubeconfig.current_context.as_deref());
    let context = kubeconfig.contexts.iter().find(|known| Some(known.name.as_str()) == name);
    let context = context.and_then(|known| known.context.as_ref());
    let cluster = context.and_then(|context| {
        kubeconfig.clusters.iter().find(|known| known.name == context.cluster)?.cluster.as_ref()
    });
    cluster.and_then(|cluster| cluster.proxy_url.as_ref()).is_some_and(|url| !url.is_empty())
}

/// Removes the environment's proxy where it does not apply: for hosts in `NO_PROXY`, as curl reads it, and for this
/// machine's loopback, which a proxy cannot reach. kube 5.0 compares `NO_PROXY` with the proxy's own address.
pub(crate) fn settle(config: &mut Config) {
    if is_loopback(config.cluster_url.host().unwrap_or_default())
        || Matcher::from_env().intercept(&config.cluster_url).is_none()
    {
        config.proxy_url = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_known_in_every_form() {
        for (uri, expected) in [
            ("https://127.0.0.1:6443", true),
            ("https://127.8.9.10", true),
            ("https://[::1]:6443", true),
            ("https://LOCALHOST:6443", true),
            ("https://localhost.example", false),
            ("https://10.0.0.1", false),
        ] {
            let uri: http::Uri = uri.parse().unwrap();
            assert_eq!(is_loopback(uri.host().unwrap()), expected, "{uri}");
        }
    }

    #[test]
    fn the_kubeconfigs_own_proxy_is_found() {
        let text = |proxy: &str| {
            format!(
                "{{clusters: [{{name: c, cluster: {{server: 'https://a'{proxy}}}}}], current-context: x, \
                 contexts: [{{name: x, context: {{cluster: c}}}}, {{name: y, context: {{cluster: d}}}}]}}"
            )
        };
        let named =
            |proxy: &str, context| is_named(&Kubeconfig::from_yaml(&text(proxy)).unwrap(), context);
        assert!(named(", proxy-url: 'http://p:1'", None));
        assert!(!named("", None));
        assert!(!named(", proxy-url: ''", None));
        assert!(!named(", proxy-url: 'http://p:1'", Some("y")));
    }
}
