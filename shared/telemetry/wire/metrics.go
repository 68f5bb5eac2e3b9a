package wire

import (
	"fmt"
	"math"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// Metrics is an ExportMetricsServiceRequest. It knows sums of whole numbers and histograms, which are all that this app
// has; another kind is an error.
func Metrics(rm *metricdata.ResourceMetrics) ([]byte, error) {
	var out message
	var err error
	out.inner(1, func(m *message) {
		m.resource(1, rm.Resource)
		for _, scope := range rm.ScopeMetrics {
			m.inner(2, func(m *message) {
				m.scope(1, scope.Scope)
				for _, metric := range scope.Metrics {
					m.inner(2, func(m *message) {
						if fault := m.metric(metric); fault != nil {
							err = fault
						}
					})
				}
				m.text(3, scope.Scope.SchemaURL)
			})
		}
		m.text(3, rm.Resource.SchemaURL())
	})
	return out, err
}

func (m *message) metric(metric metricdata.Metrics) error {
	m.text(1, metric.Name)
	m.text(2, metric.Description)
	m.text(3, metric.Unit)
	switch data := metric.Data.(type) {
	case metricdata.Sum[int64]:
		m.inner(7, func(m *message) {
			for _, point := range data.DataPoints {
				m.inner(1, func(m *message) { m.number(point) })
			}
			m.varint(2, temporality(data.Temporality))
			m.varint(3, uint64(bit(data.IsMonotonic)))
		})
	case metricdata.Histogram[float64]:
		m.inner(9, func(m *message) {
			for _, point := range data.DataPoints {
				m.inner(1, func(m *message) { m.distribution(point) })
			}
			m.varint(2, temporality(data.Temporality))
		})
	default:
		return fmt.Errorf("write metric %s: %T is not known", metric.Name, metric.Data)
	}
	return nil
}

func (m *message) number(p metricdata.DataPoint[int64]) {
	m.fixed64(2, nano(p.StartTime))
	m.fixed64(3, nano(p.Time))
	m.present64(6, uint64(p.Value))
	m.set(7, p.Attributes)
}

func (m *message) distribution(p metricdata.HistogramDataPoint[float64]) {
	m.fixed64(2, nano(p.StartTime))
	m.fixed64(3, nano(p.Time))
	m.fixed64(4, p.Count)
	m.present64(5, math.Float64bits(p.Sum))
	m.packed64(6, len(p.BucketCounts), func(i int) uint64 { return p.BucketCounts[i] })
	m.packed64(7, len(p.Bounds), func(i int) uint64 { return math.Float64bits(p.Bounds[i]) })
	m.set(9, p.Attributes)
	if least, there := p.Min.Value(); there {
		m.present64(11, math.Float64bits(least))
	}
	if most, there := p.Max.Value(); there {
		m.present64(12, math.Float64bits(most))
	}
}

func (m *message) set(field int, attributes attribute.Set) {
	for kv := attributes.Iter(); kv.Next(); {
		m.attribute(field, kv.Attribute())
	}
}

func temporality(t metricdata.Temporality) uint64 {
	switch t {
	case metricdata.DeltaTemporality:
		return 1
	case metricdata.CumulativeTemporality:
		return 2
	}
	return 0
}
