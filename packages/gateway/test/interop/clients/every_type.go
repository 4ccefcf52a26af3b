// Pushes a metric of each type in the client's default format: every_type URL SHIFT VERB..., where a verb is push, add or delete.
package main

import (
	"log"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/push"
)

func main() {
	url, shift, verbs := os.Args[1], os.Args[2], os.Args[3:]
	pusher := push.New(url, "reader").
		Grouping("path", "/var/spool").
		Grouping("shift", shift).
		Gatherer(registryOfEachType())
	calls := map[string]func() error{"push": pusher.Push, "add": pusher.Add, "delete": pusher.Delete}
	for _, verb := range verbs {
		if err := calls[verb](); err != nil {
			log.Fatalf("%s: %v", verb, err)
		}
	}
}

func registryOfEachType() *prometheus.Registry {
	kind := []string{"kind"}
	files := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "files_total", Help: "Files read."}, kind)
	left := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "files_left", Help: "Files left to read."}, kind)
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "read_seconds",
		Help:    "Time to read.",
		Buckets: []float64{0.5, 1, 5},
	}, kind)
	bytes := prometheus.NewSummaryVec(prometheus.SummaryOpts{
		Name:       "read_bytes",
		Help:       "Bytes read.",
		Objectives: map[float64]float64{0.5: 0.05},
	}, kind)
	answer := prometheus.NewUntypedFunc(
		prometheus.UntypedOpts{Name: "answer", Help: "Of no type."},
		func() float64 { return 42 },
	)
	registry := prometheus.NewRegistry()
	registry.MustRegister(files, left, seconds, bytes, answer)

	files.WithLabelValues(`te"xt\`).Add(3)
	left.WithLabelValues("text").Set(4)
	for _, value := range []float64{0.25, 0.75, 9} {
		seconds.WithLabelValues("text").(prometheus.ExemplarObserver).
			ObserveWithExemplar(value, prometheus.Labels{"trace_id": "abc"})
		bytes.WithLabelValues("text").Observe(value)
	}
	return registry
}
