package main

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/gateway-api/pkg/consts"

	"istio.io/istio/pilot/pkg/config/kube/gateway"
	"istio.io/istio/pilot/pkg/features"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/pkg/serviceregistry/kube/controller"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/schema/gvk"
	"istio.io/istio/pkg/config/schema/gvr"
	"istio.io/istio/pkg/kube"
	"istio.io/istio/pkg/kube/kclient/clienttest"
	"istio.io/istio/pkg/kube/krt"
	"istio.io/istio/pkg/test"
)

// gatewayGroup is the API group of the Gateway API.
const gatewayGroup = "gateway.networking.k8s.io"

// gatewayKinds are the definitions for which Istio's controller waits.
var gatewayKinds = []schema.GroupVersionResource{
	gvr.BackendTLSPolicy,
	gvr.GRPCRoute,
	gvr.GatewayClass,
	gvr.HTTPRoute,
	gvr.KubernetesGateway,
	gvr.ListenerSet,
	gvr.ReferenceGrant,
	gvr.ServiceEntry,
	gvr.TCPRoute,
	gvr.TLSRoute,
}

// kubernetesObject reads an object as Istio's controller for the Gateway API gets it from the API server.
func kubernetesObject(document json.RawMessage, namespace string) (runtime.Object, error) {
	object, _, err := kube.IstioCodec.UniversalDeserializer().Decode(document, nil, nil)
	if err != nil {
		return nil, err
	}
	if named, is := object.(metav1.Object); is && named.GetNamespace() == "" {
		if _, global := object.(*gatewayv1.GatewayClass); !global {
			if _, global := object.(*corev1.Namespace); !global {
				named.SetNamespace(namespace)
			}
		}
	}
	return object, nil
}

// gatewayClass is the one that istiod creates when it starts.
func gatewayClass() *gatewayv1.GatewayClass {
	return &gatewayv1.GatewayClass{
		ObjectMeta: metav1.ObjectMeta{Name: features.GatewayAPIDefaultGatewayClass},
		Spec: gatewayv1.GatewayClassSpec{
			ControllerName: gatewayv1.GatewayController(features.ManagedGatewayController),
		},
	}
}

// translate gives the Gateways, VirtualServices and DestinationRules that Istio makes of Gateway API objects, with the
// controller that made them. push is a push context with the Services of the mesh.
func translate(fail *failer, objects []runtime.Object, push *model.PushContext) ([]config.Config, *gateway.Controller) {
	stop := test.NewStop(fail)
	client := kube.NewFakeClient(append(objects, gatewayClass())...)
	for _, definition := range gatewayKinds {
		clienttest.MakeCRDWithAnnotations(fail, client, definition, map[string]string{
			consts.BundleVersionAnnotation: consts.BundleVersion,
		})
	}
	served := func(schema.GroupVersionResource, <-chan struct{}) bool { return true }
	options := controller.Options{DomainSuffix: domain, KrtDebugger: &krt.DebugHandler{}}
	made := gateway.NewController(client, served, options, nil)
	go made.Run(stop)
	client.RunAndWait(stop)
	made.Reconcile(push)
	if !kube.WaitForCacheSync("oracle", stop, made.HasSynced) {
		panic(fmt.Sprint("Istio's controller for the Gateway API did not start"))
	}
	var out []config.Config
	out = append(out, made.List(gvk.Gateway, "")...)
	out = append(out, made.List(gvk.VirtualService, "")...)
	out = append(out, made.List(gvk.DestinationRule, "")...)
	return out, made
}

// translated is an object that Istio made of some of the Gateway API.
type translated struct {
	Kind      string          `json:"kind"`
	Namespace string          `json:"namespace"`
	Name      string          `json:"name"`
	Spec      json.RawMessage `json:"spec"`
}

func translatedTexts(all []config.Config) []translated {
	out := make([]translated, 0, len(all))
	for _, one := range all {
		spec, err := config.ToJSON(one.Spec)
		if err != nil {
			panic(err)
		}
		out = append(out, translated{one.GroupVersionKind.Kind, one.Namespace, one.Name, spec})
	}
	return out
}
