// Package fetch makes one HTTP request to a vendor, and makes it well: named
// deadlines, a cap on the answer, gzip, the same request again after a passing
// fault, a call budget shared by all callers, and nothing secret in any error.
//
// A verdict can hide in HTTP 200, so the vendor client decodes and classes the
// answer first ([Request.Verdict]) and only then does fetch decide whether the
// same request goes out again. Redirects are never followed: a POST would turn
// into a GET, and a token in the URL would leave with it.
//
// It knows no vendor, no record and no database. The budgets that it keeps are in
// memory: a restart forgets what was spent. One that must outlive that, or is
// shared with other processes, is kept by somebody else behind [Meter]. The
// vendors live in the folders below, the reading of their JSON in fetch/lenient.
package fetch
