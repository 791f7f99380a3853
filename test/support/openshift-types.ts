import type { ObjectMeta } from 'kubernetes-types/meta/v1.js';

/**
 * The kinds of OpenShift and of the Prometheus operator that we use, by the fields their API has (openshift/api,
 * prometheus-operator). Written by hand, for what npm has is worse: `openshift-rest-client` carries the API of OpenShift 3
 * in a tree of 160 packages, `@kubernetes-models/prometheus-operator` takes 29 MB for two kinds.
 */

interface Strategy<Type extends string> {
  readonly type: Type;
}
interface IdRange {
  readonly min?: number;
  readonly max?: number;
}
type Volume =
  | ('azureFile' | 'configMap' | 'csi' | 'downwardAPI' | 'emptyDir' | 'ephemeral' | 'hostPath')
  | ('nfs' | 'none' | 'persistentVolumeClaim' | 'projected' | 'secret' | '*');

/** security.openshift.io/v1; what has no question mark is required. */
export interface SecurityContextConstraints {
  apiVersion: 'security.openshift.io/v1';
  kind: 'SecurityContextConstraints';
  metadata: ObjectMeta;
  allowHostDirVolumePlugin: boolean;
  allowHostIPC: boolean;
  allowHostNetwork: boolean;
  allowHostPID: boolean;
  allowHostPorts: boolean;
  allowPrivilegeEscalation?: boolean;
  allowPrivilegedContainer: boolean;
  allowedCapabilities: string[] | null;
  allowedUnsafeSysctls?: string[];
  defaultAddCapabilities: string[] | null;
  defaultAllowPrivilegeEscalation?: boolean;
  forbiddenSysctls?: string[];
  fsGroup?: Strategy<'MustRunAs' | 'RunAsAny'> & { ranges?: IdRange[] };
  groups?: string[];
  priority: number | null;
  readOnlyRootFilesystem: boolean;
  requiredDropCapabilities: string[] | null;
  runAsUser?: Strategy<'MustRunAs' | 'MustRunAsNonRoot' | 'MustRunAsRange' | 'RunAsAny'> & {
    uid?: number;
    uidRangeMin?: number;
    uidRangeMax?: number;
  };
  seLinuxContext?: Strategy<'MustRunAs' | 'RunAsAny'> & {
    seLinuxOptions?: { user?: string; role?: string; type?: string; level?: string };
  };
  seccompProfiles?: string[];
  supplementalGroups?: Strategy<'MustRunAs' | 'RunAsAny'> & { ranges?: IdRange[] };
  userNamespaceLevel?: 'AllowHostLevel' | 'RequirePodLevel';
  users?: string[];
  volumes: Volume[] | null;
}

/** route.openshift.io/v1 */
export interface Route {
  apiVersion: 'route.openshift.io/v1';
  kind: 'Route';
  metadata: ObjectMeta;
  spec: {
    host?: string;
    path?: string;
    to: { kind: 'Service'; name: string; weight?: number };
    port?: { targetPort: string | number };
    tls?: {
      termination: 'edge' | 'passthrough' | 'reencrypt';
      insecureEdgeTerminationPolicy?: 'Allow' | 'Redirect' | 'None';
      destinationCACertificate?: string;
    };
    wildcardPolicy?: 'None' | 'Subdomain';
  };
}

interface KeyOf {
  name: string;
  key: string;
  optional?: boolean;
}
/** monitoring.coreos.com/v1 */
export interface ServiceMonitor {
  apiVersion: 'monitoring.coreos.com/v1';
  kind: 'ServiceMonitor';
  metadata: ObjectMeta;
  spec: {
    selector: { matchLabels?: Record<string, string> };
    endpoints: {
      port?: string;
      scheme?: 'http' | 'https';
      path?: string;
      interval?: string;
      scrapeTimeout?: string;
      authorization?: { type?: string; credentials?: KeyOf };
      tlsConfig?: { serverName?: string; ca?: { configMap?: KeyOf; secret?: KeyOf } };
    }[];
  };
}

/** monitoring.coreos.com/v1 */
export interface PrometheusRule {
  apiVersion: 'monitoring.coreos.com/v1';
  kind: 'PrometheusRule';
  metadata: ObjectMeta;
  spec: {
    groups: {
      name: string;
      interval?: string;
      rules: {
        alert?: string;
        record?: string;
        expr: string | number;
        for?: string;
        keep_firing_for?: string;
        labels?: Record<string, string>;
        annotations?: Record<string, string>;
      }[];
    }[];
  };
}
