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

{{- /* "true" if replicas have names in DNS of their own. */ -}}
{{- define "gateway.isByName" -}}
{{- if and .Values.cluster.enabled (or .Values.cluster.byName .Values.tls.existingSecret) -}}true{{- end -}}
{{- end -}}

{{- /* Of the service that gives replicas their names. */ -}}
{{- define "gateway.membersName" -}}
{{ include "gateway.fullname" . }}-members
{{- end -}}

{{- /* Where other replicas reach this one; the kubelet fills in what is in brackets. An IP is in force at once, and a name only when caches of DNS have let go of the one before. */ -}}
{{- define "gateway.advertiseUrl" -}}
{{- if include "gateway.isByName" . -}}
{{ include "gateway.scheme" . }}://$(POD_NAME).{{ include "gateway.membersName" . }}.{{ .Release.Namespace }}.svc:9091
{{- else -}}
http://$(POD_IP):9091
{{- end -}}
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

{{- /* Replicas of a cluster are better on different nodes, but one is better than none. */ -}}
{{- define "gateway.affinity" -}}
{{- $affinity := deepCopy .Values.affinity -}}
{{- if and .Values.cluster.enabled (not (hasKey $affinity "podAntiAffinity")) -}}
{{- $selector := dict "matchLabels" (include "gateway.selectorLabels" . | fromYaml) -}}
{{- $term := dict "labelSelector" $selector "topologyKey" "kubernetes.io/hostname" -}}
{{- $preferred := list (dict "weight" 100 "podAffinityTerm" $term) -}}
{{- $_ := set $affinity "podAntiAffinity" (dict "preferredDuringSchedulingIgnoredDuringExecution" $preferred) -}}
{{- end -}}
{{- if $affinity -}}
{{- toYaml $affinity -}}
{{- end -}}
{{- end -}}
