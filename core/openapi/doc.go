// Package openapi describes the guards of an application in an OpenAPI 3.1 document: which credentials an operation takes, and what a
// refusal looks like. It turns a [core.Rule] into plain values, for a framework that writes the document (huma), for the comments of a
// generator (swag), and for a document that exists already ([API.Fill]):
//
//	api := openapi.New(auth)
//	api.DiscoveryURL = cfg.DiscoveryURL
//	rule := auth.Required(core.Scopes("orders")).Rule()
//	operation.Security = api.Security(rule)    // [{"bearer": ["orders"]}]
//	responses := api.Responses(rule)           // 401, 403, 503
//
// It describes and decides nothing: the guards do not read the document. It knows the answers of this library; with core.Config.OnError the
// application answers in another way, and describes that itself. A 400 for two Authorization headers and a 500 after a panic of the application
// are not described.
package openapi
