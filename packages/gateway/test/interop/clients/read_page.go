// Scrapes a page as protobuf and prints its families as JSON, one a line: read_page URL
package main

import (
	"encoding/json"
	"errors"
	"io"
	"log"
	"math"
	"net/http"
	"os"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

func main() {
	request, err := http.NewRequest(http.MethodGet, os.Args[1], nil)
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Accept", string(expfmt.FmtProtoDelim))
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer reply.Body.Close()
	decoder := expfmt.NewDecoder(reply.Body, expfmt.ResponseFormat(reply.Header))
	for {
		var family dto.MetricFamily
		if err := decoder.Decode(&family); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			log.Fatal(err)
		}
		dropInfinite(&family)
		line, err := json.Marshal(&family)
		if err != nil {
			log.Fatal(err)
		}
		os.Stdout.Write(append(line, '\n'))
	}
}

// JSON has no infinity, and the last bucket says no more than the count.
func dropInfinite(family *dto.MetricFamily) {
	for _, metric := range family.Metric {
		if histogram := metric.Histogram; histogram != nil {
			last := len(histogram.Bucket) - 1
			if last >= 0 && math.IsInf(histogram.Bucket[last].GetUpperBound(), 1) {
				histogram.Bucket = histogram.Bucket[:last]
			}
		}
	}
}
