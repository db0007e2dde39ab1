package model

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever records a page learns to hold are joined and counted, each kind for
// itself.
func TestPagesAreJoinedAndCountedWhole(t *testing.T) {
	t.Parallel()
	for i := range reflect.TypeFor[Page]().NumField() {
		field := reflect.TypeFor[Page]().Field(i)
		if field.Type.Kind() != reflect.Slice {
			continue
		}
		t.Run(field.Name, func(t *testing.T) {
			t.Parallel()
			var p Page
			reflect.ValueOf(&p).Elem().Field(i).Set(reflect.MakeSlice(field.Type, 1, 1))
			require.Equal(t, 2, reflect.ValueOf(p.Join(p)).Field(i).Len())
			switch field.Name {
			case "Rejects":
				require.Zero(t, p.Rows())
			case "SOPGroups": // the chat of each counts
				p.SOPGroups[0].Tasks = make([]SOPTask, 3)
				require.Equal(t, 3, p.Rows())
			default:
				require.Equal(t, 1, p.Rows())
			}
		})
	}
}
