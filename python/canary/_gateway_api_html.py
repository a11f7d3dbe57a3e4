"""Notebook views of the Gateway API's objects."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from canary._html import bar, code, folded, page, table, title

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# The compiled half calls the function of each kind.
__all__ = [
    "render_BackendTlsPolicy",
    "render_GatewayClass",
    "render_GrpcRoute",
    "render_HttpRoute",
    "render_KubernetesGateway",
    "render_ReferenceGrant",
]

_RULES = 50
_NONE = '<span class="dim">–</span>'


def _named(of: Mapping[str, Any], kind: str) -> str:
    """Name an object that a reference means, with its kind unless it is the usual one."""
    name = str(of.get("name", ""))
    if "namespace" in of:
        name = f"{of['namespace']}/{name}"
    shown = code(name) if of.get("kind", kind) == kind else f"{escape(str(of['kind']))} {code(name)}"
    section = f" {code(str(of['sectionName']))}" if "sectionName" in of else ""
    port = f" :{escape(str(of['port']))}" if "port" in of else ""
    return shown + section + port


def _backends(backends: Sequence[Mapping[str, Any]]) -> str:
    """Show each backend with its share of the requests."""
    weights = [max(int(backend.get("weight", 1)), 0) for backend in backends]
    total = sum(weights)
    if not total:
        return "answered with 500"
    return "<br>".join(
        f"{bar(weight / total, index)}{weight / total:.0%} → {_named(backend, 'Service')}"
        for index, (backend, weight) in enumerate(zip(backends, weights, strict=True))
    )


def _action(rule: Mapping[str, Any]) -> str:
    """Show where the requests of a rule go."""
    if any(one.get("type") == "RequestRedirect" for one in rule.get("filters", [])):
        return "a redirect"
    return _backends(rule.get("backendRefs", []))


def _filter(one: Mapping[str, Any]) -> str:
    mirror = one.get("requestMirror", {}).get("backendRef")
    if mirror:
        return f"<br><span class='dim'>copied to</span> {_named(mirror, 'Service')}"
    return f"<br><span class='dim'>{escape(str(one.get('type', '')))}</span>"


def _conditions(matches: Sequence[Mapping[str, Any]]) -> str:
    """Say which requests a rule takes."""
    return "<br>or ".join(" and ".join(_condition(one)) or "any request" for one in matches) or "any request"


def _condition(one: Mapping[str, Any]) -> list[str]:
    parts = []
    if isinstance(one.get("method"), str):
        parts.append(f"method {code(one['method'])}")
    elif "method" in one:
        method = one["method"]
        parts.append(f"method {code(str(method.get('service', '*')) + '/' + str(method.get('method', '*')))}")
    if "path" in one:
        path = one["path"]
        parts.append(f"{escape(str(path.get('type', 'PathPrefix')))} {code(str(path.get('value', '/')))}")
    for field, name in (("headers", "header"), ("queryParams", "parameter")):
        parts += [
            f"{name} {code(str(part.get('name', '')))} {_operator(part)} {code(str(part.get('value', '')))}"
            for part in one.get(field, [])
        ]
    return parts


def _operator(part: Mapping[str, Any]) -> str:
    return "matches" if part.get("type") == "RegularExpression" else "="


def _route(kind: str, value: Mapping[str, Any], yaml: str) -> str:
    """Show the parents, the host names and the rules with weight bars, the YAML folded beneath."""
    spec = value.get("spec", {})
    parents = ", ".join(_named(parent, "Gateway") for parent in spec.get("parentRefs", [])) or "nothing"
    hosts = ", ".join(code(str(host)) for host in spec.get("hostnames", []))
    rules = spec.get("rules", [])
    rows = [
        (
            _conditions(rule.get("matches", [])),
            _action(rule) + "".join(map(_filter, rule.get("filters", []))),
        )
        for rule in rules[:_RULES]
    ]
    more = f'<div class="dim">and {len(rules) - _RULES:,} more rules</div>' if len(rules) > _RULES else ""
    about = f"attached to {parents}" + (f", hosts {hosts}" if hosts else "")
    shown = table(("requests where", "go to"), rows) + more
    return page(title(kind, value) + f"<div>{about}</div>{shown}{folded(yaml)}")


def render_HttpRoute(value: Mapping[str, Any], yaml: str) -> str:  # noqa: N802 - the kind's name
    """Show the rules of an HTTPRoute."""
    return _route("HTTPRoute", value, yaml)


def render_GrpcRoute(value: Mapping[str, Any], yaml: str) -> str:  # noqa: N802 - the kind's name
    """Show the rules of a GRPCRoute."""
    return _route("GRPCRoute", value, yaml)


def render_KubernetesGateway(value: Mapping[str, Any], yaml: str) -> str:  # noqa: N802 - the kind's name
    """Show the listeners, the YAML folded beneath."""
    spec = value.get("spec", {})
    rows = [
        (
            code(str(listener.get("name", ""))),
            escape(str(listener.get("port", ""))),
            escape(str(listener.get("protocol", ""))),
            code(str(listener["hostname"])) if "hostname" in listener else "every host",
            escape(str(listener.get("tls", {}).get("mode", "Terminate" if "tls" in listener else "–"))),
            escape(str(listener.get("allowedRoutes", {}).get("namespaces", {}).get("from", "Same"))),
        )
        for listener in spec.get("listeners", [])
    ]
    about = f"<div>of class {code(str(spec.get('gatewayClassName', '')))}</div>"
    shown = table(("listener", "port", "protocol", "host", "TLS", "routes from"), rows)
    return page(title("Gateway", value) + about + shown + folded(yaml))


def render_GatewayClass(value: Mapping[str, Any], yaml: str) -> str:  # noqa: N802 - the kind's name
    """Show the controller, the YAML folded beneath."""
    spec = value.get("spec", {})
    name = code(str(value.get("metadata", {}).get("name", "")))
    about = f"<div>controller {code(str(spec.get('controllerName', '')))}</div>"
    return page(f"<h4>GatewayClass {name}</h4>{about}{folded(yaml)}")


def render_ReferenceGrant(value: Mapping[str, Any], yaml: str) -> str:  # noqa: N802 - the kind's name
    """Show who may refer to what, the YAML folded beneath."""
    spec = value.get("spec", {})
    sources = [
        f"{escape(str(one.get('kind', '')))} of {code(str(one.get('namespace', '')))}" for one in spec.get("from", [])
    ]
    targets = [
        f"{escape(str(one.get('kind', '')))} " + (code(str(one["name"])) if "name" in one else "of any name")
        for one in spec.get("to", [])
    ]
    rows = [("<br>".join(sources) or _NONE, "<br>".join(targets) or _NONE)]
    return page(title("ReferenceGrant", value) + table(("may refer", "to"), rows) + folded(yaml))


def render_BackendTlsPolicy(value: Mapping[str, Any], yaml: str) -> str:  # noqa: N802 - the kind's name
    """Show the targets and the check of their certificates, the YAML folded beneath."""
    spec = value.get("spec", {})
    validation = spec.get("validation", {})
    targets = "<br>".join(_named(one, "Service") for one in spec.get("targetRefs", [])) or _NONE
    authorities = [_named(one, "ConfigMap") for one in validation.get("caCertificateRefs", [])]
    if "wellKnownCACertificates" in validation:
        authorities.append(code(str(validation["wellKnownCACertificates"])))
    rows = [(targets, code(str(validation.get("hostname", ""))), "<br>".join(authorities) or _NONE)]
    shown = table(("TLS to", "name in the certificate", "signed by"), rows)
    return page(title("BackendTLSPolicy", value) + shown + folded(yaml))
