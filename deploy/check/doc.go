// Package check holds what is deployed against what reads it: docker-compose.yml is
// parsed by the compose specification's own library, the Dockerfile by BuildKit's, the
// unit by systemd's where there is one. It is nothing but tests, in a module of its own
// so that syncd does not depend on any of that.
package check
