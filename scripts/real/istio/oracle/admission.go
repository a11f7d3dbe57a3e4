package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"

	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"istio.io/istio/pkg/config/crd"
	"istio.io/istio/pkg/config/schema/collections"
	"istio.io/istio/pkg/webhooks/validation/server"
)

// admission is the way of an object into a cluster: the schema and rules of its kind's definition, then Istio's webhook.
type admission struct {
	schemas *crd.Validator
	webhook *http.ServeMux
}

// verdict is the answer about one object.
type verdict struct {
	// Schema is the refusal of the kind's definition, as the API server applies it; empty when it is taken.
	Schema string `json:"schema,omitempty"`
	// Webhook is the refusal of Istio's webhook; empty when it is taken. It is asked whatever the schema says.
	Webhook string `json:"webhook,omitempty"`
	// Warnings are those of the webhook.
	Warnings []string `json:"warnings,omitempty"`
}

func newAdmission(definitions string) (*admission, error) {
	schemas, err := crd.NewValidatorFromFilesWithOptions([]string{definitions}, crd.WithoutCRDValidation())
	if err != nil {
		return nil, fmt.Errorf("cannot read the definitions: %w", err)
	}
	webhook := http.NewServeMux()
	_, err = server.New(server.Options{Schemas: collections.Istio, DomainSuffix: "cluster.local", Mux: webhook})
	return &admission{schemas: schemas, webhook: webhook}, err
}

func (a *admission) judge(document json.RawMessage) verdict {
	var found verdict
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(document); err != nil {
		return verdict{Schema: err.Error()}
	}
	if err := a.schemas.ValidateCustomResource(object); err != nil {
		found.Schema = err.Error()
	}
	found.Webhook, found.Warnings = a.review(object, document)
	return found
}

// review asks the webhook as the API server does.
func (a *admission) review(object *unstructured.Unstructured, document json.RawMessage) (string, []string) {
	var question admissionv1.AdmissionReview
	question.APIVersion, question.Kind = "admission.k8s.io/v1", "AdmissionReview"
	question.Request = &admissionv1.AdmissionRequest{
		UID:       "1",
		Operation: admissionv1.Create,
		Name:      object.GetName(),
		Namespace: object.GetNamespace(),
		Object:    runtime.RawExtension{Raw: document},
	}
	question.Request.Kind.Kind = object.GetKind()
	body, err := json.Marshal(question)
	if err != nil {
		return err.Error(), nil
	}
	request := httptest.NewRequest(http.MethodPost, "/validate", bytes.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	a.webhook.ServeHTTP(recorder, request)
	var answer admissionv1.AdmissionReview
	if err := json.Unmarshal(recorder.Body.Bytes(), &answer); err != nil || answer.Response == nil {
		return fmt.Sprintf("no answer: %d %s", recorder.Code, recorder.Body), nil
	}
	if answer.Response.Allowed {
		return "", answer.Response.Warnings
	}
	return answer.Response.Result.Message, answer.Response.Warnings
}
