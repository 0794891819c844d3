// The API's documentation page: opens our OpenAPI document in the vendored viewer.
if (window.SwaggerUIBundle) {
  window.SwaggerUIBundle({ url: "/api/openapi.json", dom_id: "#swagger-ui", deepLinking: true });
}
