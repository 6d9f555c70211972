"""The table of resources this server knows, and how a path names one of them."""

from __future__ import annotations

from dataclasses import dataclass, field

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True)
class Resource:
    """One kind of object: where it lives and what it can do."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    short: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    singular: str = ""

    @property
    def api_version(self) -> str:
        """`v1`, `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def prefix(self) -> str:
        """Path of its group and version, without the leading slash."""
        return f"apis/{self.group}/{self.version}" if self.group else f"api/{self.version}"


def _parse(text: str) -> list[Resource]:
    """Rows: plural Kind n|c [s:short,..] [/:sub,..] [c:category,..] [v:verb,..]; `# group version`."""
    out, group, version = [], "", ""
    for line in text.strip().splitlines():
        words = line.split()
        if words[0] == "#":
            group, version = (words[1], words[2]) if len(words) == 3 else ("", words[1])
            continue
        options: dict[str, tuple[str, ...]] = {}
        for word in words[3:]:
            key, _, value = word.partition(":")
            options[key] = tuple(value.split(","))
        out.append(Resource(group, version, words[0], words[1], words[2] == "n", options.get("s", ()),
                            options.get("/", ()), options.get("c", ()), options.get("v", ALL_VERBS),
                            words[1].lower()))
    return out


RESOURCES = _parse("""
# v1
bindings Binding n v:create
configmaps ConfigMap n s:cm
endpoints Endpoints n s:ep
events Event n s:ev
limitranges LimitRange n s:limits
namespaces Namespace c s:ns /:status,finalize v:create,delete,get,list,patch,update,watch
nodes Node c s:no /:status,proxy
persistentvolumeclaims PersistentVolumeClaim n s:pvc /:status
persistentvolumes PersistentVolume c s:pv /:status
pods Pod n s:po c:all /:status,log,binding,eviction,exec,attach,portforward,proxy,ephemeralcontainers
podtemplates PodTemplate n
replicationcontrollers ReplicationController n s:rc c:all /:status,scale
resourcequotas ResourceQuota n s:quota /:status
secrets Secret n
serviceaccounts ServiceAccount n s:sa /:token
services Service n s:svc c:all /:status,proxy
# apps v1
controllerrevisions ControllerRevision n
daemonsets DaemonSet n s:ds c:all /:status
deployments Deployment n s:deploy c:all /:status,scale
replicasets ReplicaSet n s:rs c:all /:status,scale
statefulsets StatefulSet n s:sts c:all /:status,scale
# events.k8s.io v1
events Event n s:ev
# authentication.k8s.io v1
tokenreviews TokenReview c v:create
selfsubjectreviews SelfSubjectReview c v:create
# authorization.k8s.io v1
subjectaccessreviews SubjectAccessReview c v:create
selfsubjectaccessreviews SelfSubjectAccessReview c v:create
selfsubjectrulesreviews SelfSubjectRulesReview c v:create
localsubjectaccessreviews LocalSubjectAccessReview n v:create
# autoscaling v2
horizontalpodautoscalers HorizontalPodAutoscaler n s:hpa c:all /:status
# batch v1
cronjobs CronJob n s:cj c:all /:status
jobs Job n c:all /:status
# certificates.k8s.io v1
certificatesigningrequests CertificateSigningRequest c s:csr /:status,approval
# networking.k8s.io v1
ingressclasses IngressClass c
ingresses Ingress n s:ing /:status
networkpolicies NetworkPolicy n s:netpol
# policy v1
poddisruptionbudgets PodDisruptionBudget n s:pdb /:status
# rbac.authorization.k8s.io v1
clusterrolebindings ClusterRoleBinding c
clusterroles ClusterRole c
rolebindings RoleBinding n
roles Role n
# storage.k8s.io v1
csidrivers CSIDriver c
csinodes CSINode c
csistoragecapacities CSIStorageCapacity n
storageclasses StorageClass c s:sc
volumeattachments VolumeAttachment c /:status
# admissionregistration.k8s.io v1
mutatingwebhookconfigurations MutatingWebhookConfiguration c
validatingwebhookconfigurations ValidatingWebhookConfiguration c
# apiextensions.k8s.io v1
customresourcedefinitions CustomResourceDefinition c s:crd,crds /:status
# apiregistration.k8s.io v1
apiservices APIService c /:status
# scheduling.k8s.io v1
priorityclasses PriorityClass c s:pc
# coordination.k8s.io v1
leases Lease n
# node.k8s.io v1
runtimeclasses RuntimeClass c
# discovery.k8s.io v1
endpointslices EndpointSlice n
""")

BY_PATH = {(r.group, r.version, r.plural): r for r in RESOURCES}
BY_KIND = {(r.api_version, r.kind): r for r in RESOURCES}
GROUPS = list(dict.fromkeys((r.group, r.version) for r in RESOURCES))

# What a subresource takes and gives, where that is not the object itself.
SUBRESOURCE_KINDS = {
    "scale": ("autoscaling", "v1", "Scale"),
    "token": ("authentication.k8s.io", "v1", "TokenRequest"),
    "eviction": ("policy", "v1", "Eviction"),
    "binding": ("", "v1", "Binding"),
}
SUBRESOURCE_VERBS = {
    "log": ("get",), "token": ("create",), "eviction": ("create",), "binding": ("create",),
    "exec": ("create", "get"), "attach": ("create", "get"), "portforward": ("create", "get"),
    "proxy": ("create", "delete", "get", "patch", "update"), "finalize": ("update",),
}


@dataclass(frozen=True)
class ApiPath:
    """A resource path taken apart; `rest` is what follows a subresource (proxy only)."""

    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    rest: tuple[str, ...] = field(default=())


def parse_path(path: str) -> ApiPath | None:
    """The resource a path names, or None for anything else."""
    parts = [part for part in path.split("/") if part]
    if len(parts) >= 3 and parts[0] == "api":
        group, version, rest = "", parts[1], parts[2:]
    elif len(parts) >= 4 and parts[0] == "apis":
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = ""
    if rest[0] == "namespaces" and len(rest) >= 3 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    resource = BY_PATH.get((group, version, rest[0]))
    if resource is None or (namespace and not resource.namespaced):
        return None
    name = rest[1] if len(rest) > 1 else ""
    subresource = rest[2] if len(rest) > 2 else ""
    if len(rest) > 3 and subresource != "proxy":
        return None
    return ApiPath(resource, namespace, name, subresource, tuple(rest[3:]))
