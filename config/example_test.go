package config

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

const exampleFile = "syncd.example.yaml"

func readExample(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(exampleFile)
	require.NoError(t, err)
	return string(data)
}

// uncommented switches on the sources that the example holds as comments.
func uncommented(text string) string {
	return regexp.MustCompile(`(?m)^#  `).ReplaceAllString(text, "  ")
}

// As it is, the example runs WeCom alone and says nothing but the defaults.
func TestExampleAsItIs(t *testing.T) {
	t.Parallel()
	c, err := Load(exampleFile, environment(map[string]string{"WECOM_CORP_ID": "ww1", "WECOM_SECRET": "wecom-s3cr3t"}))
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(mustParse(t, minimal), c, sameZone))
}

func TestExampleUncommented(t *testing.T) {
	t.Parallel()
	want := mustParse(t, minimal+`
  - {name: acme-dingtalk, vendor: dingtalk, credentials: {app_key: ding1, app_secret: ding-s3cr3t}}
  - {name: acme-scrm, vendor: scrm, credentials: {app_id: app1, app_key: scrm-s3cr3t}}
`)
	require.Empty(t, cmp.Diff(want, mustParse(t, uncommented(readExample(t))), sameZone))
}

// What the example needs from the environment is said by name.
func TestExampleNamesItsVariables(t *testing.T) {
	t.Parallel()
	got := problemsOf(t, readExample(t), nil)
	require.Len(t, got, 2)
	require.Contains(t, got[0], "sources[0].credentials.corp_id: ${WECOM_CORP_ID} is not set")
	require.Contains(t, got[1], "sources[0].credentials.secret: ${WECOM_SECRET} is not set")
}

// Every key there is stands in the example: as a key, or in a comment for the
// twins and the second set of DingTalk's credentials.
func TestExampleIsComplete(t *testing.T) {
	t.Parallel()
	text := readExample(t)
	d := newDecoder(environment(testVars), nil)
	c := d.config([]byte(uncommented(text)))
	require.Empty(t, d.problems)

	inComments := map[string]bool{
		"sources[1].credentials.suite_key": true, "sources[1].credentials.suite_secret": true,
		"sources[1].credentials.suite_ticket": true, "sources[1].credentials.auth_corp_id": true,
		// one stream of each vendor shows it
		"enabled": true,
	}
	count := 0
	var walk func(path string, typ reflect.Type, scope string)
	walk = func(path string, typ reflect.Type, scope string) {
		for _, f := range fieldsOf(typ, scope) {
			key, ft := join(path, f.key), typ.Field(f.index).Type
			count++
			switch {
			case inComments[key] || inComments[f.key]:
				require.Regexp(t, `#.*\b`+f.key+`\b|\b`+f.key+`:`, text, key)
			default:
				require.Contains(t, d.at, key)
			}
			switch {
			case f.key == "sources":
				for i, s := range c.Sources {
					walk("sources["+string(rune('0'+i))+"]", reflect.TypeFor[Source](), s.Vendor)
				}
			case f.key == "streams":
				for _, name := range streamNames(scope) {
					require.Contains(t, d.at, key+"."+name)
					walk(key+"."+name, reflect.TypeFor[Stream](), scope+"/"+name)
				}
			case ft.Kind() == reflect.Struct && ft != secretType && ft != scheduleType:
				walk(key, ft, scope)
			}
		}
	}
	walk("", reflect.TypeFor[Config](), "")
	require.Greater(t, count, 100, "the walk saw the streams")

	for _, twin := range []string{"database_url_file", "token_file", "secret_file", "app_secret_file", "app_key_file"} {
		require.Contains(t, text, twin)
	}
}

// Every exported field is a key, and every scope in an of tag exists.
func TestTags(t *testing.T) {
	t.Parallel()
	scopes := map[string]bool{}
	for name, v := range vendors {
		scopes[name] = true
		for stream := range v.streams {
			scopes[name+"/"+stream] = true
		}
	}
	for _, typ := range []reflect.Type{
		reflect.TypeFor[Config](), reflect.TypeFor[Embedded](), reflect.TypeFor[HTTP](), reflect.TypeFor[Log](), reflect.TypeFor[Retention](), reflect.TypeFor[Breaker](),
		reflect.TypeFor[Source](), reflect.TypeFor[Credentials](), reflect.TypeFor[SCRM](), reflect.TypeFor[Limits](), reflect.TypeFor[Stream](),
	} {
		for f := range typ.Fields() {
			require.NotEmpty(t, f.Tag.Get("key"), "%s.%s", typ, f.Name)
			for scope := range strings.FieldsSeq(f.Tag.Get("of")) {
				require.True(t, scopes[scope], "%s.%s: of %s", typ, f.Name, scope)
			}
		}
	}
}
