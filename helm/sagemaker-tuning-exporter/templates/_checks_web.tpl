{{- /* Checks of how the exporter is reached that a schema cannot express. */ -}}
{{- define "sagemaker-tuning-exporter.checksWeb" -}}
{{- $v := .Values -}}
{{- $section := include "sagemaker-tuning-exporter.tlsSection" . | fromYaml -}}
{{- $tls := include "sagemaker-tuning-exporter.tls" . -}}
{{- $demanded := include "sagemaker-tuning-exporter.clientCertificates" . -}}
{{- $existing := $v.web.existingConfigSecret.name -}}
{{- $prefix := include "sagemaker-tuning-exporter.routePrefix" . -}}
{{- $users := get $v.web.config "basic_auth_users" | default dict -}}

{{- if and $v.web.externalUrl (not (regexMatch "^https?://[A-Za-z0-9._:\\[\\]-]+(/[^?#@\"' ]*)?$" $v.web.externalUrl)) -}}
  {{- fail "web.externalUrl is not an http or https URL of a host and a path: write it like https://example.com/tuning" -}}
{{- end -}}
{{- if or (not (regexMatch "^(/[A-Za-z0-9._~-]+)*$" $prefix)) (regexMatch "/[.]{1,2}(/|$)" $prefix) -}}
  {{- fail (printf "the exporter cannot serve under the path %s, from web.routePrefix or web.externalUrl: write letters, digits and . _ ~ - between slashes, as in /ml/tuning" $prefix) -}}
{{- end -}}
{{- range $flag, $value := dict "external-url" "externalUrl" "route-prefix" "routePrefix" "disable-pages" "disablePages" "config.file" "config" -}}
  {{- range $v.extraArgs -}}
    {{- if regexMatch (printf "^--(no-)?web[.]%s(=|$)" $flag) . -}}
      {{- fail (printf "extraArgs has --web.%s: set web.%s instead, so that probes, monitors and helm test use it too" $flag $value) -}}
    {{- end -}}
  {{- end -}}
  {{- $variable := printf "SAGEMAKER_TUNING_EXPORTER_WEB_%s" ($flag | upper | replace "-" "_" | replace "." "_") -}}
  {{- range $v.extraEnv -}}
    {{- if eq (toString .name) $variable -}}
      {{- fail (printf "extraEnv has %s: set web.%s instead, so that probes, monitors and helm test use it too" $variable $value) -}}
    {{- end -}}
  {{- end -}}
{{- end -}}

{{- if and $existing $v.web.config -}}
  {{- fail "web.existingConfigSecret.name and web.config are both set, but there can be only one web configuration: remove one of them" -}}
{{- end -}}
{{- range $name, $hash := $users -}}
  {{- if not (regexMatch "^\\$2[aby]\\$[0-9]{2}\\$[./A-Za-z0-9]{53}$" (toString $hash)) -}}
    {{- fail (printf "web.config.basic_auth_users.%s is not a bcrypt hash: write what htpasswd -nBC 10 \"\" | tr -d ':\\n' prints, in single quotes" $name) -}}
  {{- end -}}
  {{- if not (regexMatch "^....(0[4-9]|1[0-6])" (toString $hash)) -}}
    {{- fail (printf "web.config.basic_auth_users.%s is a hash whose cost is not from 4 to 16: write what htpasswd -nBC 10 \"\" | tr -d ':\n' prints, in single quotes" $name) -}}
  {{- end -}}
{{- end -}}
{{- $rate := get $v.web.config "rate_limit" | default dict -}}
{{- if and (not (has (toString ($rate.interval | default 0)) (list "0" "0s"))) (not $rate.burst) -}}
  {{- fail "web.config.rate_limit has no burst, so no request would be answered: write for example burst: 20" -}}
{{- end -}}

{{- if and $v.web.tls.secretName (or $section.cert $section.cert_file $section.key $section.key_file) -}}
  {{- fail "web.tls.secretName and a certificate in web.config.tls_server_config are both set: remove cert, cert_file, key and key_file, because the chart writes them" -}}
{{- end -}}
{{- if and $section (not $v.web.tls.secretName) (not (and (or $section.cert $section.cert_file) (or $section.key $section.key_file))) -}}
  {{- fail "web.config.tls_server_config has no certificate with its key: set web.tls.secretName, or write both cert_file and key_file" -}}
{{- end -}}
{{- if and $section.client_allowed_sans (not $demanded) -}}
  {{- fail "web.config.tls_server_config.client_allowed_sans is set, but clients need no certificate: set web.clientCertificatesRequired" -}}
{{- end -}}
{{- if and $v.web.tls.enabled (not (or $v.web.tls.secretName $existing $section.cert $section.cert_file)) -}}
  {{- fail "web.tls.enabled is set, but there is no certificate: set web.tls.secretName, or set web.existingConfigSecret.name to a Secret whose file has one" -}}
{{- end -}}
{{- if and $demanded (not $tls) -}}
  {{- fail "client certificates need TLS: set web.tls.secretName to a Secret with tls.crt, tls.key and ca.crt; if the file in web.existingConfigSecret has its own certificate, set web.tls.enabled" -}}
{{- end -}}
{{- if and $v.web.clientCertificatesRequired $section.client_auth_type (ne $section.client_auth_type "RequireAndVerifyClientCert") -}}
  {{- fail (printf "web.clientCertificatesRequired is set, but web.config.tls_server_config.client_auth_type is %s: remove one of them" $section.client_auth_type) -}}
{{- end -}}
{{- if and $demanded (not $existing) (not (or $v.web.tls.secretName $section.client_ca $section.client_ca_file)) -}}
  {{- fail "client certificates are required, but there is no CA to verify them: set client_ca or client_ca_file in web.config.tls_server_config" -}}
{{- end -}}

{{- if and (not $tls) (or $v.scrape.tls.certSecretName $v.scrape.tls.caSecretName $v.scrape.tls.serverName $v.scrape.tls.insecureSkipVerify) -}}
  {{- fail "scrape.tls is set, but the exporter serves without TLS: set web.tls.secretName; if the file in web.existingConfigSecret has its own certificate, set web.tls.enabled" -}}
{{- end -}}
{{- if and $v.scrape.basicAuth.secretName (not (or $users $existing)) -}}
  {{- fail "scrape.basicAuth.secretName is set, but the exporter needs no password: set web.config.basic_auth_users" -}}
{{- end -}}
{{- range $kind := list "serviceMonitor" "podMonitor" -}}
  {{- $monitor := index $v $kind -}}
  {{- $endpoint := $monitor.endpoint -}}
  {{- $theirs := get $endpoint "tlsConfig" | default dict -}}
  {{- if $monitor.enabled -}}
    {{- if and $demanded (not (or $v.scrape.tls.certSecretName $theirs.cert $theirs.certFile)) -}}
      {{- fail (printf "%s.enabled is set, but the exporter requires client certificates: set scrape.tls.certSecretName to a Secret with the certificate of Prometheus (tls.crt and tls.key)" $kind) -}}
    {{- end -}}
    {{- if and $users (not (or $v.scrape.basicAuth.secretName $endpoint.basicAuth $endpoint.authorization)) -}}
      {{- fail (printf "%s.enabled is set, but the exporter requires a password: set scrape.basicAuth.secretName to a Secret with the password of Prometheus (username and password)" $kind) -}}
    {{- end -}}
    {{- if and $v.web.tls.secretName $v.scrape.tls.caKey (not (or $v.scrape.tls.caSecretName $v.scrape.tls.insecureSkipVerify $theirs.ca $theirs.insecureSkipVerify)) -}}
      {{- if ne ($monitor.namespace | default (include "sagemaker-tuning-exporter.namespace" $)) (include "sagemaker-tuning-exporter.namespace" $) -}}
        {{- fail (printf "%s.namespace is %s, and the Prometheus operator reads Secrets only in that namespace: set scrape.tls.caSecretName to a Secret there with the CA of the exporter's certificate (scrape.tls.caKey), or set scrape.tls.caKey to \"\" if the CA is publicly trusted" $kind $monitor.namespace) -}}
      {{- end -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- end -}}
