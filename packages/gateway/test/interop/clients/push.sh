cat > metrics.prom <<'END'
# TYPE files_total counter
files_total 1
END
curl --data-binary @metrics.prom http://localhost:9091/metrics/job/backup/instance/7
gzip -c metrics.prom | curl --data-binary @- -H 'Content-Encoding: gzip' http://localhost:9091/metrics/job/backup/instance/7
curl -X DELETE http://localhost:9091/metrics/job/backup/instance/7
