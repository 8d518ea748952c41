package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/liaison-skill/liaison/internal/pgtest"
	"github.com/liaison-skill/liaison/sandbox"
)

// TestR22_disk_full: the disk of what was accepted has no room left.
func TestR22_disk_full(t *testing.T) {
	t.Parallel()
	admin := pgtest.DB(t)
	disk, space := smallDisk(t, admin)
	w := newWorld(t, sandbox.Config{})
	d := newDoors(t, w)
	d.accept("before")
	for _, sql := range []string{
		"ALTER TABLE accepted SET TABLESPACE " + space,
		"ALTER INDEX accepted_pkey SET TABLESPACE " + space,
	} {
		if _, err := w.db.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	empty := fillDisk(t, disk, w.db)
	d.refuse("during")
	d.refuse("during")
	empty()
	d.recover("after")
	d.settled("before", "during", "after")
}

// smallDisk mounts a file system of a megabyte as a table space.
func smallDisk(t *testing.T, admin *pgxpool.Pool) (dir, space string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "liaison-disk-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if host := admin.Config().ConnConfig.Host; !filepath.IsAbs(host) || os.Getuid() != 0 {
		t.Skip("needs a server on this machine, and to be root, to mount a small disk for it")
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("needs a small disk, and none can be mounted: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount the small disk: %v", err)
		}
	})
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	ownedByServer(t, admin.Config().ConnConfig.Host, dir, data)
	space = "small_" + strings.TrimPrefix(admin.Config().ConnConfig.Database, "test_")
	if _, err := admin.Exec(t.Context(), "CREATE TABLESPACE "+space+" LOCATION '"+data+"'"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // when the database that used it is gone
		if _, err := admin.Exec(context.WithoutCancel(t.Context()), "DROP TABLESPACE "+space); err != nil {
			t.Error(err)
		}
	})
	return dir, space
}

// fillDisk leaves no room on a disk, nor in the pages that are there, until it is told
// to make some.
func fillDisk(t *testing.T, disk string, db *pgxpool.Pool) (empty func()) {
	t.Helper()
	name := filepath.Join(disk, "filler")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(block)
	}
	_ = f.Close()
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	for n := 0; err != nil && n < 1000; n++ {
		_, refused := db.Exec(t.Context(), `INSERT INTO accepted (scope, key) VALUES ('', $1)`, fmt.Sprint(n))
		if code, ok := errors.AsType[*pgconn.PgError](refused); ok && code.Code == "53100" {
			return func() {
				if err := os.Remove(name); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	t.Fatal("the disk is not full")
	return nil
}
