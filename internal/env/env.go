// Package env reads configuration from the environment into structs tagged for
// go-envconfig, and says everything that is wrong with it at once.
//
// On top of what go-envconfig does: a [Secret] can be given as a file
// (NAME_FILE), problems are collected under the variables' full names, variables
// nobody reads are found ([Unknown]), and the structs describe themselves
// ([Table]). A field reads
//
//	Idle env.Duration `env:"IDLE, default=30m" help:"a silent conversation is closed after it"`
//
// and nested structs take a prefix: `env:", prefix=DELIVERY_"`.
package env

import (
	"context"
	"encoding"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/sethvargo/go-envconfig"
)

// maxFile bounds a file a secret is read from, in bytes.
const maxFile = 64 << 10

// Process fills target, a pointer to a struct, from the variables l finds whose
// names are prefix and the field's own. The error joins every problem, each
// beginning with the variable's name; it never holds a secret's value.
func Process(ctx context.Context, l envconfig.Lookuper, prefix string, target any) error {
	v := reflect.ValueOf(target)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("read environment: %T is not a pointer to a struct", target)
	}
	var problems []error
	walk(v.Elem(), prefix, func(f field) {
		if err := f.fill(ctx, l); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", f.name, err))
		}
	})
	return errors.Join(problems...)
}

// A field is one struct field that holds one variable.
type field struct {
	name  string // in full, as in the environment
	tag   tag
	info  reflect.StructField
	value reflect.Value
}

// walk calls visit for every field of the struct v that has a variable.
func walk(v reflect.Value, prefix string, visit func(field)) {
	for i := range v.NumField() {
		info := v.Type().Field(i)
		if !info.IsExported() {
			continue
		}
		t := parseTag(info.Tag.Get("env"))
		switch {
		case t.key != "":
			visit(field{name: prefix + t.key, tag: t, info: info, value: v.Field(i)})
		case info.Type.Kind() == reflect.Struct:
			walk(v.Field(i), prefix+t.prefix, visit)
		}
	}
}

// secret reports whether the field may be given as a file.
func (f field) secret() bool {
	return f.info.Type == reflect.TypeFor[Secret]() || f.info.Type == reflect.TypeFor[[]Secret]()
}

// fill hands the field to go-envconfig as a struct of its own, because that
// stops at the first problem.
func (f field) fill(ctx context.Context, l envconfig.Lookuper) error {
	value, found, err := f.lookup(l)
	if err != nil {
		return err
	}
	found = found && (value != "" || !f.zeroWhenEmpty())
	vars := map[string]string{}
	if found {
		vars[f.tag.key] = value
	}
	alone := reflect.New(reflect.StructOf([]reflect.StructField{{Name: f.info.Name, Type: f.info.Type, Tag: f.info.Tag}}))
	alone.Elem().Field(0).Set(f.value)
	err = envconfig.ProcessWith(ctx, &envconfig.Config{
		Target: alone.Interface(), Lookuper: envconfig.MapLookuper(vars), DefaultOverwrite: true,
	})
	switch {
	case errors.Is(err, envconfig.ErrMissingRequired):
		return errors.New("required, and not set")
	case err != nil && f.secret():
		return errors.New("unreadable") // the cause would repeat the value
	case err != nil:
		return withoutName(err, f.info.Name)
	}
	f.value.Set(alone.Elem().Field(0))
	return nil
}

// zeroWhenEmpty reports whether an empty variable means nothing for the field's
// type, as opposed to "off". Deployment templates leave such variables behind.
func (f field) zeroWhenEmpty() bool {
	decodes := reflect.PointerTo(f.info.Type).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
	return decodes || f.info.Type.Kind() != reflect.String || f.tag.required
}

// withoutName drops the field's Go name, which go-envconfig puts before most
// errors: what the reader knows is the variable.
func withoutName(err error, name string) error {
	if inner := errors.Unwrap(err); inner != nil && err.Error() == name+": "+inner.Error() {
		return inner
	}
	return err
}

// lookup finds the field's value in the variable or in the file NAME_FILE
// names.
func (f field) lookup(l envconfig.Lookuper) (value string, found bool, err error) {
	value, found = l.Lookup(f.name)
	if !f.secret() {
		return value, found, nil
	}
	path, asFile := l.Lookup(f.name + fileSuffix)
	switch {
	case !asFile || path == "":
		return value, found, nil
	case found && value != "":
		return "", false, fmt.Errorf("set as well as %s%s; keep one", f.name, fileSuffix)
	}
	value, err = readSecret(path)
	return value, err == nil, err
}

const fileSuffix = "_FILE"

// readSecret returns the file's text without the newline an editor leaves at its
// end.
func readSecret(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("read file: %w", err)
	}
	if info.Size() > maxFile {
		return "", fmt.Errorf("read file %s: larger than %d bytes", path, maxFile)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read file: %w", err)
	}
	value := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if value == "" {
		return "", fmt.Errorf("read file %s: it is empty", path)
	}
	return value, nil
}

// A tag is what an env tag says, as far as this package needs it.
type tag struct {
	key, prefix, fallback string
	required              bool
}

func parseTag(text string) tag {
	key, rest, _ := strings.Cut(text, ",")
	t := tag{key: strings.TrimSpace(key)}
	for rest != "" {
		option := strings.TrimLeft(rest, " ")
		if value, ok := strings.CutPrefix(option, "default="); ok {
			t.fallback = value // to the end: it may hold commas
			break
		}
		option, rest, _ = strings.Cut(option, ",")
		if value, ok := strings.CutPrefix(option, "prefix="); ok {
			t.prefix = value
		}
		t.required = t.required || strings.TrimSpace(option) == "required"
	}
	return t
}
