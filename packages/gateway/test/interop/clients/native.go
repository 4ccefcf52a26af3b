// Pushes a native histogram without classic buckets: native URL FACTOR VALUE...
package main

import (
	"log"
	"os"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/push"
)

func main() {
	url, factor, values := os.Args[1], number(os.Args[2]), os.Args[3:]
	latency := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:                        "latency_seconds",
		Help:                        "Time.",
		NativeHistogramBucketFactor: factor,
	})
	for _, value := range values {
		latency.Observe(number(value))
	}
	if err := push.New(url, "reader").Collector(latency).Add(); err != nil {
		log.Fatal(err)
	}
}

func number(text string) float64 {
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		log.Fatal(err)
	}
	return value
}
