// Package wire writes spans and metrics as the protobuf messages of OTLP 1. It is here because OpenTelemetry's own
// exporters bring gRPC and a registry of messages with them, which every start of the handler would pay for, also where
// nothing is exported. A test holds that a collector cannot tell the two apart. It sends nothing.
// https://github.com/open-telemetry/opentelemetry-proto/tree/v1.11.0/opentelemetry/proto
package wire

import (
	"encoding/binary"
	"math"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
)

// Wire types of protobuf: https://protobuf.dev/programming-guides/encoding/#structure
const (
	varint  = 0
	fixed64 = 1
	bytes   = 2
	fixed32 = 5
)

// message is one that is being written. As proto3 has it, a field with the value zero is not written.
type message []byte

func (m *message) key(field, wireType int) {
	*m = binary.AppendUvarint(*m, uint64(field)<<3|uint64(wireType))
}

func (m *message) varint(field int, value uint64) {
	if value != 0 {
		m.key(field, varint)
		*m = binary.AppendUvarint(*m, value)
	}
}

func (m *message) fixed32(field int, value uint32) {
	if value != 0 {
		m.key(field, fixed32)
		*m = binary.LittleEndian.AppendUint32(*m, value)
	}
}

func (m *message) fixed64(field int, value uint64) {
	if value != 0 {
		m.present64(field, value)
	}
}

// present64 is of a field in a oneof or with presence, where zero is a value.
func (m *message) present64(field int, value uint64) {
	m.key(field, fixed64)
	*m = binary.LittleEndian.AppendUint64(*m, value)
}

func (m *message) text(field int, value string) {
	if value != "" {
		m.presentText(field, value)
	}
}

// presentText writes valid UTF-8: a collector refuses a whole message for one byte that is not.
func (m *message) presentText(field int, value string) {
	value = strings.ToValidUTF8(value, "\uFFFD")
	m.key(field, bytes)
	*m = binary.AppendUvarint(*m, uint64(len(value)))
	*m = append(*m, value...)
}

// raw writes the bytes of a field, empty ones too: an empty message within another is one that is there.
func (m *message) raw(field int, value []byte) {
	m.key(field, bytes)
	*m = binary.AppendUvarint(*m, uint64(len(value)))
	*m = append(*m, value...)
}

// inner writes a message within this one.
func (m *message) inner(field int, write func(*message)) {
	var within message
	write(&within)
	m.raw(field, within)
}

// packed64 writes a repeated fixed64 or double.
func (m *message) packed64(field, count int, value func(i int) uint64) {
	if count == 0 {
		return
	}
	m.key(field, bytes)
	*m = binary.AppendUvarint(*m, uint64(8*count))
	for i := range count {
		*m = binary.LittleEndian.AppendUint64(*m, value(i))
	}
}

// attribute writes a KeyValue of package common.
func (m *message) attribute(field int, kv attribute.KeyValue) {
	m.inner(field, func(m *message) {
		m.text(1, string(kv.Key))
		m.inner(2, func(m *message) { m.value(kv.Value) })
	})
}

// value writes an AnyValue.
func (m *message) value(v attribute.Value) {
	switch v.Type() {
	case attribute.BOOL:
		m.key(2, varint)
		*m = append(*m, bit(v.AsBool()))
	case attribute.INT64:
		m.key(3, varint)
		*m = binary.AppendUvarint(*m, uint64(v.AsInt64()))
	case attribute.FLOAT64:
		m.present64(4, math.Float64bits(v.AsFloat64()))
	case attribute.STRINGSLICE:
		m.inner(5, func(m *message) {
			for _, text := range v.AsStringSlice() {
				m.inner(1, func(m *message) { m.presentText(1, text) })
			}
		})
	default:
		m.presentText(1, v.String())
	}
}

func bit(on bool) byte {
	if on {
		return 1
	}
	return 0
}

// resource writes a Resource.
func (m *message) resource(field int, r *resource.Resource) {
	m.inner(field, func(m *message) {
		for kv := r.Iter(); kv.Next(); {
			m.attribute(1, kv.Attribute())
		}
	})
}

// scope writes an InstrumentationScope.
func (m *message) scope(field int, s instrumentation.Scope) {
	m.inner(field, func(m *message) {
		m.text(1, s.Name)
		m.text(2, s.Version)
		for kv := s.Attributes.Iter(); kv.Next(); {
			m.attribute(3, kv.Attribute())
		}
	})
}
