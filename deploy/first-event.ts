/** What to type after a deployment. */
import type { Environment } from './environment.ts';

export function firstEvent({ namespace }: Environment, config: Record<string, string>): string {
  const endpoint = config['S3_ENDPOINT'];
  const aws = endpoint ? `aws --endpoint-url ${endpoint}` : 'aws';
  const inside = endpoint && /\.svc(\.|:|\/|$)/.test(endpoint);
  const prefix = (config['SOURCE_PREFIX'] ?? '').replace('{third_party_id}', 'acme').replace('{parser_id}', 'hello');
  return `
The first function: code to S3 …${inside ? `\n# ${endpoint} is an address inside the cluster: use the one by which you reach that S3` : ''}
  ${aws} s3 cp --recursive examples/python s3://${config['SOURCE_BUCKET']}/${prefix}
… and one event:
${config['AUTHENTICATION'] === 'required' ? toGateway(namespace) : toBroker(namespace)}
then watch it:
  kubectl get jobs -n ${namespace}-builds -w
  kubectl get ksvc -n ${namespace} -l knative-lambda/third-party-id=acme,knative-lambda/parser-id=hello`;
}

const EVENT = `-H 'ce-specversion: 1.0' -H "ce-id: $(date +%s)" -H 'ce-source: me' -H 'ce-type: build.start' \\
    -H 'content-type: application/json' -d '{"third_party_id":"acme","parser_id":"hello"}'`;

function toBroker(namespace: string): string {
  return `  kn event send --type build.start --field third_party_id=acme --field parser_id=hello --to broker:default -n ${namespace}
or, without kn:
  kubectl port-forward -n ${namespace} svc/default-broker-ingress 8080:80 &
  curl -i http://127.0.0.1:8080/ ${EVENT}`;
}

function toGateway(namespace: string): string {
  return `  kubectl create namespace acme; kubectl create serviceaccount ci -n acme
  kubectl edit configmap knative-lambda-principals -n ${namespace}     # take the example's comment signs away; docs/tenants.md
  token=$(kubectl create token ci -n acme --audience knative-lambda)
  curl -i "$(kubectl get ksvc gateway -n ${namespace} -o jsonpath='{.status.url}')" -H "Authorization: Bearer $token" ${EVENT}`;
}
