// Package mcp tests the MCP server of examples/mcp with unmodified MCP clients and authorization servers of other projects. The test acts as
// the person at the browser.
package mcp
