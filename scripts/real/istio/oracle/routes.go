package main

import (
	"encoding/json"
	"fmt"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/pkg/networking/core"
	"istio.io/istio/pilot/pkg/xds/endpoints"
	"istio.io/istio/pkg/config"
)

// scene is a mesh and the proxies that are asked about.
type scene struct {
	// Objects are Istio's objects and Kubernetes' Services.
	Objects []json.RawMessage `json:"objects"`
	// Endpoints are the workloads behind the Services.
	Endpoints []workload `json:"endpoints"`
	// Proxies are those that are asked about.
	Proxies []proxy `json:"proxies"`
}

// proxy is one Envoy of the mesh.
type proxy struct {
	// Gateway is true for a gateway, false for a sidecar.
	Gateway   bool              `json:"gateway"`
	Namespace string            `json:"namespace"`
	Labels    map[string]string `json:"labels"`
}

// configured is the answer: for each proxy what istiod sends it.
type configured struct {
	Error string `json:"error,omitempty"`
	// Refused are the objects that Istio's admission refuses; they are left out.
	Refused []refusal `json:"refused,omitempty"`
	// Translated are the objects that Istio makes of those of the Gateway API.
	Translated []translated    `json:"translated,omitempty"`
	Proxies    []configuration `json:"proxies,omitempty"`
}

// configuration is what istiod sends to a proxy. Endpoints are part of the clusters.
type configuration struct {
	Listeners []json.RawMessage `json:"listeners"`
	Routes    []json.RawMessage `json:"routes"`
	Clusters  []json.RawMessage `json:"clusters"`
}

// configure works out the configuration of each proxy.
func configure(asked *scene) (answer configured) {
	fail := &failer{}
	defer fail.close()
	defer func() {
		if reason := recover(); reason != nil {
			answer = configured{Error: fmt.Sprint(reason)}
		}
	}()
	found, err := read(asked.Objects)
	if err != nil {
		return configured{Error: err.Error()}
	}
	answer.Refused = found.refused
	start := func(objects []config.Config) *core.ConfigGenTest {
		return core.NewConfigGenTest(fail, core.TestOptions{
			Configs:    objects,
			Services:   found.services,
			Instances:  instances(found.services, asked.Endpoints),
			MeshConfig: meshConfig(),
			ClusterID:  clusterID,
		})
	}
	istiod := start(found.istio)
	if found.kubernetes != nil {
		translated, controller := translate(fail, found.kubernetes, istiod.PushContext())
		istiod = start(append(found.istio, translated...))
		istiod.PushContext().GatewayAPIController = controller
		answer.Translated = translatedTexts(translated)
	}
	for _, one := range asked.Proxies {
		answer.Proxies = append(answer.Proxies, configureProxy(istiod, one, found.services))
	}
	return answer
}

func configureProxy(istiod *core.ConfigGenTest, asked proxy, services []*model.Service) configuration {
	istiod.MemRegistry.WantGetProxyServiceTargets = targets(asked, services)
	node := &model.Proxy{
		Type:            model.SidecarProxy,
		ConfigNamespace: asked.Namespace,
		Labels:          asked.Labels,
		Metadata: &model.NodeMetadata{
			IstioVersion: "1.32.0",
			Namespace:    asked.Namespace,
			Labels:       asked.Labels,
			ClusterID:    clusterID,
		},
	}
	if asked.Gateway {
		node.Type = model.Router
	}
	node = istiod.SetupProxy(node)
	listeners := istiod.Listeners(node)
	clusters := istiod.Clusters(node)
	for _, one := range clusters {
		fill(istiod, node, one)
	}
	return configuration{
		Listeners: texts(listeners),
		Routes:    texts(istiod.RoutesFromListeners(node, listeners)),
		Clusters:  texts(clusters),
	}
}

// fill writes the endpoints that istiod would send by EDS into a cluster.
func fill(istiod *core.ConfigGenTest, node *model.Proxy, one *cluster.Cluster) {
	if one.GetType() != cluster.Cluster_EDS {
		return
	}
	builder := endpoints.NewEndpointBuilder(one.Name, node, istiod.PushContext())
	one.LoadAssignment = builder.BuildClusterLoadAssignment(istiod.Env().EndpointIndex)
	if one.LoadAssignment != nil {
		one.LoadAssignment.ClusterName = one.Name
	}
	one.ClusterDiscoveryType = &cluster.Cluster_Type{Type: cluster.Cluster_STATIC}
	one.EdsClusterConfig = nil
}

func texts[M proto.Message](all []M) []json.RawMessage {
	form := protojson.MarshalOptions{UseProtoNames: true}
	out := make([]json.RawMessage, 0, len(all))
	for _, one := range all {
		text, err := form.Marshal(one)
		if err != nil {
			panic(err)
		}
		out = append(out, text)
	}
	return out
}
