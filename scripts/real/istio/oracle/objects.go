package main

import (
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/types/known/wrapperspb"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	meshconfig "istio.io/api/mesh/v1alpha1"
	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/pkg/serviceregistry/kube"
	"istio.io/istio/pkg/cluster"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/labels"
	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/config/schema/collections"
	"istio.io/istio/pkg/config/schema/resource"
)

const (
	clusterID = cluster.ID("Kubernetes")
	domain    = "cluster.local"
)

// workload is an endpoint of a Service's port.
type workload struct {
	// Host is the Service's full name.
	Host   string            `json:"host"`
	Port   int               `json:"port"`
	Labels map[string]string `json:"labels"`
	// Address and Target are where it listens.
	Address string `json:"address"`
	Target  uint32 `json:"target"`
}

// refusal is an object that Istio's admission refuses.
type refusal struct {
	// Place is that of the object in the list.
	Place  int    `json:"place"`
	Reason string `json:"reason"`
}

// meshConfig is Istio's default without what needs an agent beside each proxy.
func meshConfig() *meshconfig.MeshConfig {
	settings := mesh.DefaultMeshConfig()
	settings.RootNamespace = "istio-system"
	settings.EnableAutoMtls = wrapperspb.Bool(false)
	settings.EnablePrometheusMerge = wrapperspb.Bool(false)
	settings.DefaultProviders = &meshconfig.MeshConfig_DefaultProviders{}
	return settings
}

// meshObjects are what the objects of a question are, sorted.
type meshObjects struct {
	// istio are Istio's own objects.
	istio []config.Config
	// services are Kubernetes' Services, as istiod knows them.
	services []*model.Service
	// kubernetes are the objects that Istio's controller for the Gateway API reads; none without such objects.
	kubernetes []runtime.Object
	// refused are those that Istio's admission refuses.
	refused []refusal
}

// read sorts objects, and leaves out those that Istio's admission refuses.
func read(documents []json.RawMessage) (meshObjects, error) {
	var found meshObjects
	routed := false
	for place, document := range documents {
		var object crd.IstioKind
		if err := json.Unmarshal(document, &object); err != nil {
			return found, err
		}
		if object.Namespace == "" {
			object.Namespace = "default"
		}
		kind := object.GroupVersionKind()
		core := kind.Group == "" && (kind.Kind == "Service" || kind.Kind == "Namespace")
		if core || kind.Group == gatewayGroup || kind.Kind == "ServiceEntry" {
			read, err := kubernetesObject(document, object.Namespace)
			if err != nil {
				return found, fmt.Errorf("%s %s/%s: %w", kind.Kind, object.Namespace, object.Name, err)
			}
			found.kubernetes = append(found.kubernetes, read)
		}
		if kind.Group == gatewayGroup {
			routed = true
			continue
		}
		if kind.Kind == "Namespace" && kind.Group == "" {
			continue
		}
		if kind.Kind == "Service" && kind.Group == "" {
			var service corev1.Service
			if err := json.Unmarshal(document, &service); err != nil {
				return found, err
			}
			service.Namespace = object.Namespace
			found.services = append(found.services, kube.ConvertService(service, nil, domain, clusterID, domain))
			continue
		}
		schema, known := collections.PilotGatewayAPI().FindByGroupVersionAliasesKind(resource.FromKubernetesGVK(&kind))
		if !known {
			return found, fmt.Errorf("unknown kind %v", kind)
		}
		read, err := crd.ConvertObject(schema, &object, domain)
		if err != nil {
			return found, fmt.Errorf("%s %s/%s: %w", kind.Kind, object.Namespace, object.Name, err)
		}
		if _, err := schema.ValidateConfig(*read); err != nil {
			found.refused = append(found.refused, refusal{Place: place, Reason: err.Error()})
			continue
		}
		found.istio = append(found.istio, *read)
	}
	if !routed {
		found.kubernetes = nil
	}
	return found, nil
}

// instances are the workloads as members of their Services.
func instances(services []*model.Service, all []workload) []*model.ServiceInstance {
	var out []*model.ServiceInstance
	for _, one := range all {
		for _, service := range services {
			port, found := service.Ports.GetByPort(one.Port)
			if string(service.Hostname) != one.Host || !found {
				continue
			}
			out = append(out, &model.ServiceInstance{
				Service:     service,
				ServicePort: port,
				Endpoint: &model.IstioEndpoint{
					Addresses:       []string{one.Address},
					EndpointPort:    one.Target,
					ServicePortName: port.Name,
					Labels:          one.Labels,
					Namespace:       service.Attributes.Namespace,
				},
			})
		}
	}
	return out
}

// targets are the Services before a proxy, by which a gateway finds the port that it listens on.
func targets(asked proxy, services []*model.Service) []model.ServiceTarget {
	out := []model.ServiceTarget{}
	for _, service := range services {
		selector := labels.Instance(service.Attributes.LabelSelectors)
		if service.Attributes.Namespace != asked.Namespace || len(selector) == 0 || !selector.SubsetOf(asked.Labels) {
			continue
		}
		for _, port := range service.Ports {
			out = append(out, model.ServiceTarget{
				Service: service,
				Port:    model.ServiceInstancePort{ServicePort: port, TargetPort: uint32(port.Port)},
			})
		}
	}
	return out
}
