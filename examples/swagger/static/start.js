// Swagger UI logs in with a code and PKCE. It needs no client secret: the service has it.
const ui = SwaggerUIBundle({
  dom_id: "#swagger-ui",
  url: "openapi.json",
  oauth2RedirectUrl: new URL("callback", location.href).href,
  validatorUrl: null, // do not ask another server whether the document is valid
});
ui.initOAuth({
  clientId: "docs", // Swagger UI wants one; the login route uses the client of the service
  scopes: "openid profile email",
  usePkceWithAuthorizationCodeGrant: true,
});
