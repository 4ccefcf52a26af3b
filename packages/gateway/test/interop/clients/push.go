package main

import (
	"log"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/push"
)

func main() {
	registry := prometheus.NewRegistry()
	files := prometheus.NewCounter(prometheus.CounterOpts{Name: "files_total", Help: "Files saved."})
	registry.MustRegister(files)
	files.Inc()

	err := push.New("http://localhost:9091", "backup").
		Grouping("instance", "7").
		Gatherer(registry).
		Push()
	if err != nil {
		log.Fatal(err)
	}
}
