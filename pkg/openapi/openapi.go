// Package openapi is the OpenAPI 3.1 document of both dialects.
package openapi

import _ "embed"

// Document is openapi.yaml. Every request and answer of the conversations in
// pkg/local keeps it, and its examples are theirs.
//
//go:embed openapi.yaml
var Document []byte
