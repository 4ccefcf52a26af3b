{{- define "gateway.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- /* Of all objects. A StatefulSet adds to it for its pods, hence 52. */ -}}
{{- define "gateway.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains (include "gateway.name" .) .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "gateway.name" .) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "gateway.selectorLabels" -}}
app.kubernetes.io/name: {{ include "gateway.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: gateway
{{- end -}}

{{- define "gateway.labels" -}}
app.kubernetes.io/name: {{ include "gateway.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "gateway.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- /* The web configuration file: what the values say, and the certificate. Empty if there is nothing to say. */ -}}
{{- define "gateway.webConfig" -}}
{{- $web := deepCopy .Values.web.config -}}
{{- if .Values.tls.existingSecret -}}
{{- $folder := "/etc/prom-aggregation-gateway-tls" -}}
{{- $files := dict "cert_file" (printf "%s/tls.crt" $folder) "key_file" (printf "%s/tls.key" $folder) -}}
{{- $_ := set $web "tls_server_config" (merge $files (default dict $web.tls_server_config)) -}}
{{- end -}}
{{- if $web -}}
{{- toYaml $web -}}
{{- end -}}
{{- end -}}

{{- define "gateway.webSecret" -}}
{{- if .Values.web.existingSecret -}}
{{- .Values.web.existingSecret -}}
{{- else if include "gateway.webConfig" . -}}
{{- include "gateway.fullname" . }}-web
{{- end -}}
{{- end -}}

{{- define "gateway.scheme" -}}
{{- if or .Values.tls.existingSecret .Values.web.config.tls_server_config .Values.web.existingSecretHasTls -}}https{{- else -}}http{{- end -}}
{{- end -}}

{{- /* Of all paths, without a slash at the end. */ -}}
{{- define "gateway.prefix" -}}
{{- trimSuffix "/" .Values.routePrefix -}}
{{- end -}}

{{- /* "true" if there is a port for pushes alone. */ -}}
{{- define "gateway.isExposed" -}}
{{- if or .Values.ingress.enabled .Values.httpRoute.enabled -}}true{{- end -}}
{{- end -}}

{{- define "gateway.host" -}}
{{ include "gateway.fullname" . }}.{{ .Release.Namespace }}.svc
{{- end -}}

{{- /* Of the context and the last part of the path. The kubelet has no client certificate. */ -}}
{{- define "gateway.probe" -}}
{{- $root := index . 0 -}}
{{- $tls := default dict $root.Values.web.config.tls_server_config -}}
{{- if hasPrefix "Require" (default "" $tls.client_auth_type) -}}
tcpSocket:
  port: http
{{- else -}}
httpGet:
  path: {{ include "gateway.prefix" $root }}/-/{{ index . 1 }}
  port: http
  scheme: {{ include "gateway.scheme" $root | upper }}
{{- end -}}
{{- end -}}
