package sandbox

import (
	"strconv"
	"testing"
)

func TestOldestFileMakesRoomForTheNewest(t *testing.T) {
	t.Parallel()
	k := filing{byID: map[string]*file{}}
	for i := range keepFiles + 1 {
		k.add(&file{id: strconv.Itoa(i)})
	}
	if len(k.byID) != keepFiles || len(k.order) != keepFiles || k.byID["0"] != nil || k.byID[strconv.Itoa(keepFiles)] == nil {
		t.Errorf("%d files are kept, in an order of %d", len(k.byID), len(k.order))
	}
}
