using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using FactoryMonitoring.Contracts;
using FactoryMonitoring.Provisioner.Checks;

namespace FactoryMonitoring.Tests.Unit.Kubernetes;

/// <summary>Finds problems in rendered objects by what the services know; needs no cluster.</summary>
internal static partial class ManifestChecks
{
    private const string NameLabel = "app.kubernetes.io/name";
    private const string ClusterLabel = "strimzi.io/cluster";
    private const string PostgresLabel = "cnpg.io/cluster";

    // Keys of a service's Secret: those that become variables, and those that become files.
    private static readonly string[] SecretVariables = ["KAFKA_USERNAME"];

    private static readonly string[] FilesOfSecrets =
    [
        "DATABASE_URL", "KAFKA_PASSWORD", "KAFKA_CA", "DATABASE_CA", "DATABASE_INGEST_PASSWORD", "DATABASE_SENSOR_PASSWORD", "DATABASE_MONITOR_PASSWORD", "DATABASE_AUDIT_PASSWORD", "SIGN_IN_CLIENT_SECRET", "API_KEYS",
    ];

    /// <summary>
    /// Memory in MB from docs/benchmarks.md: resident at 1,000 readings/s, for the consumer the peak of a backlog; and the highest value observed.
    /// </summary>
    private static readonly Dictionary<string, (int Usual, int Most)> Measured = new()
    {
        ["factory-monitoring/consumers"] = (225, 442),
        ["factory-monitoring/sensors"] = (114, 114),
        ["factory-monitoring/monitoring-web"] = (122, 122),
        ["factory-monitoring/monitoring-api"] = (145, 145),
    };

    // KafkaClusterSpec.java of Strimzi: settings with these prefixes are reserved for Strimzi, except for the exceptions.
    private static readonly string[] StrimzisOwn =
    [
        "listeners", "advertised.", "broker.", "listener.", "host.name", "port", "inter.broker.listener.name", "sasl.", "ssl.", "security.", "password.", "log.dir", "authorizer.",
        "super.user", "node.id", "process.roles", "controller.", "metadata.log.dir",
    ];

    private static readonly string[] NotStrimzisOwn = ["controller.quorum.election.backoff.max.ms", "controller.quorum.election.timeout.ms", "controller.quorum.fetch.timeout.ms"];

    private static readonly string ProductVersion = VersionElement().Match(Repository.Read("Directory.Build.props")).Groups[1].Value;

    public static IReadOnlyList<string> Problems(IReadOnlyList<JsonObject> manifests) =>
    [
        .. manifests.SelectMany(StrictReader.Problems),
        .. manifests.OfWorkloads().SelectMany(workload => workload.Containers().SelectMany(container => Container(manifests, workload, container).Select(problem => $"{workload.Title()}: {problem}"))),
        .. manifests.OfWorkloads().SelectMany(workload => Pod(manifests, workload).Select(problem => $"{workload.Title()}: {problem}")),
        .. Selectors(manifests),
        .. Policies(manifests),
        .. Services(manifests),
        .. Scaling(manifests),
        .. Credentials(manifests),
        .. Brokers(manifests),
        .. Postgres(manifests),
        .. Namespaces(manifests),
    ];

    /// <summary>Returns the name of the image without registry and tag; null if the image is not the factory's.</summary>
    private static string? Image(JsonObject container)
    {
        var image = container.Text("image") ?? "";
        var begin = image.IndexOf("factory-monitoring/", StringComparison.Ordinal);
        var name = begin < 0 ? "" : image[begin..].Split(':')[0];
        return Compose.Images.ContainsKey(name) ? name : null;
    }

    private static IEnumerable<string> Container(IReadOnlyList<JsonObject> manifests, JsonObject workload, JsonObject container)
    {
        if (Image(container) is not { } image)
        {
            return [$"the image {container.Text("image")} is none of {string.Join(", ", Compose.Images.Keys)}"];
        }

        return [.. Version(container), .. Arguments(container, image), .. Ports(container, image), .. Variables(manifests, workload, container, image), .. Resources(container, image), .. Restrictions(container)];
    }

    private static IEnumerable<string> Version(JsonObject container)
    {
        var image = container.Text("image")!;
        if (!image.EndsWith($":{ProductVersion}", StringComparison.Ordinal)) yield return $"the image {image} has not the tag {ProductVersion}, the version in Directory.Build.props";
    }

    private static IEnumerable<string> Arguments(JsonObject container, string image)
    {
        var arguments = (container["args"] as JsonArray ?? []).Select(argument => argument!.ToString()).ToList();
        var isInit = container.Text("name") == "check";
        string[] checkable = [CheckCommand.Sensors, CheckCommand.Consumers];
        if (isInit ? image != "factory-monitoring/provisioner" || arguments is not [CheckCommand.Name, var service] || !checkable.Contains(service) : arguments.Count > 0)
        {
            yield return $"{image} takes no arguments {string.Join(' ', arguments)}";
        }
    }

    private static IEnumerable<string> Ports(JsonObject container, string image)
    {
        // The base image's port, if a service does not set one.
        var own = image switch
        {
            "factory-monitoring/provisioner" => null,
            "factory-monitoring/monitoring-api" => Compose.Environment(image)[EnvironmentNames.MonitoringApiPort],
            "factory-monitoring/monitoring-web" => Compose.Environment(image)[EnvironmentNames.MonitoringPort],
            _ => "8080",
        };
        var ports = container.Objects("ports").Select(port => port.Text("containerPort")).ToArray();
        if (!ports.SequenceEqual(own is null ? [] : [own])) yield return $"its ports are {string.Join(", ", ports)} and not {own ?? "none"}";
        foreach (var name in (string[])["startupProbe", "livenessProbe", "readinessProbe"])
        {
            if (own is null) continue;
            var request = container[name]?["httpGet"];
            if (request.Text("path") is not ("/alive" or "/health")) yield return $"its {name} asks for {request.Text("path") ?? "nothing"}: /alive and /health are there";
            if (request.Text("port") != "http" || container.Objects("ports").All(port => port.Text("name") != "http")) yield return $"its {name} asks at the port {request.Text("port")}, which it has not";
        }
    }

    private static IEnumerable<string> Variables(IReadOnlyList<JsonObject> manifests, JsonObject workload, JsonObject container, string image)
    {
        var variables = new Dictionary<string, string?>();
        foreach (var source in container.Objects("envFrom"))
        {
            var name = source["configMapRef"].Text("name");
            if (manifests.OfKind("ConfigMap").FirstOrDefault(map => map.Name() == name) is not { } found)
            {
                yield return $"there is no ConfigMap {name}";
                continue;
            }

            foreach (var (key, value) in found.Map("data")) variables[key] = value;
        }

        foreach (var variable in container.Objects("env"))
        {
            variables[variable.Text("name")!] = variable.Text("value");
            if (variable["valueFrom"]?["secretKeyRef"] is { } secret)
            {
                foreach (var problem in Secret(workload.Pod().Objects("containers").First(), secret.Text("name"), secret.Text("key"), variable.Text("name"))) yield return problem;
            }

            if (variable["valueFrom"]?["fieldRef"].Text("fieldPath") is { } field && field != "metadata.name") yield return $"the field {field} of {variable.Text("name")} is not the pod's name";
        }

        foreach (var problem in KnownSettings.Problems(image, variables)) yield return problem;
        if (container.Text("name") == "check") yield break;
        foreach (var problem in LikeCompose(image, variables)) yield return problem;
        foreach (var problem in Web(container, image, variables)) yield return problem;
    }

    /// <summary>Checks that what Compose gives a service is set here too, with the same value unless it is a Compose variable.</summary>
    private static IEnumerable<string> LikeCompose(string image, Dictionary<string, string?> variables)
    {
        foreach (var (name, value) in Compose.Environment(image))
        {
            var here = name switch
            {
                "ConnectionStrings__kafka" => EnvironmentNames.KafkaBrokers,
                // A URL that contains the password.
                "ConnectionStrings__factorydb" or "DATABASE_PASSWORD_FILE" => "DATABASE_URL_FILE",
                _ => name,
            };
            var isOptional = here.StartsWith("OTEL_EXPORTER", StringComparison.Ordinal) || here.StartsWith("SignIn__", StringComparison.Ordinal) || here == EnvironmentNames.AllowAnonymousView;
            if (!variables.TryGetValue(here, out var set))
            {
                if (!isOptional) yield return $"the variable {here} is missing, which Compose gives {image}";
            }
            else if (set is not null && here == name && name.StartsWith("MONITORING_", StringComparison.Ordinal) && !value.Contains('$', StringComparison.Ordinal) && set != value)
            {
                yield return $"the variable {name} is {set}, and {value} in Compose";
            }
        }

        if (variables.GetValueOrDefault(EnvironmentNames.SensorType) is { } type && variables.GetValueOrDefault(EnvironmentNames.ProducerId) != ResourceNames.Sensor(type))
        {
            yield return $"the sensor of type {type} is named {variables.GetValueOrDefault(EnvironmentNames.ProducerId)} and not {ResourceNames.Sensor(type)}";
        }
    }

    /// <summary>Checks that nobody has access without sign-in, and that the kubelet gets an answer.</summary>
    private static IEnumerable<string> Web(JsonObject container, string image, Dictionary<string, string?> variables)
    {
        if (image != "factory-monitoring/monitoring-web") yield break;
        var published = variables.GetValueOrDefault(EnvironmentNames.MonitoringPublishedOn);
        if (published is null || (IPAddress.TryParse(published, out var address) && IPAddress.IsLoopback(address)) || published == "localhost")
        {
            yield return $"{EnvironmentNames.MonitoringPublishedOn} is {published ?? "not set"}: whoever reaches the pod would be taken for the machine's own user";
        }

        if (variables.GetValueOrDefault(EnvironmentNames.AllowAnonymousView) != "true" && string.IsNullOrEmpty(variables.GetValueOrDefault("SignIn__Authority")))
        {
            yield return $"neither {EnvironmentNames.AllowAnonymousView} nor SignIn__Authority is set: the page does not start";
        }

        var allowed = (variables.GetValueOrDefault("AllowedHosts") ?? "").Split(';');
        foreach (var name in (string[])["startupProbe", "livenessProbe", "readinessProbe"])
        {
            var host = container[name]?["httpGet"].Objects("httpHeaders").FirstOrDefault(header => header.Text("name") == "Host").Text("value");
            if (!allowed.Contains(host)) yield return $"its {name} asks for the host {host ?? "of the pod's address"}, which is none of AllowedHosts = {string.Join(';', allowed)}";
        }
    }

    private static IEnumerable<string> Secret(JsonObject service, string? name, string? key, string? variable)
    {
        var own = service.Text("name");
        if (name != own) yield return $"the Secret {name} is none: {own} is the service's own";
        // Only a user name may be a variable; a secret must be a file.
        if ((key, variable) != ("KAFKA_USERNAME", "Kafka__Security__Username")) yield return $"the key {key} of the Secret {name} is not for {variable}: docs/kubernetes.md names the keys";
    }

    private static IEnumerable<string> Resources(JsonObject container, string image)
    {
        var (requests, limits) = (container["resources"].Map("requests"), container["resources"].Map("limits"));
        foreach (var name in (string[])["cpu", "memory"])
        {
            if (!requests.TryGetValue(name, out var request) || !limits.TryGetValue(name, out var limit)) yield return $"its {name} has no request or no limit";
            else if (Amount(request) > Amount(limit)) yield return $"its request of {name} {request} is more than the limit {limit}";
        }

        if (container.Text("name") != "check" && Measured.TryGetValue(image, out var measured) && requests.ContainsKey("memory") && limits.ContainsKey("memory"))
        {
            if (Amount(requests["memory"]) < measured.Usual * 1e6) yield return $"its request of memory {requests["memory"]} is less than the {measured.Usual} MB that were measured";
            if (Amount(limits["memory"]) < measured.Most * 1e6) yield return $"its limit of memory {limits["memory"]} is less than the {measured.Most} MB that were measured";
        }
    }

    private static double Amount(string quantity) => quantity switch
    {
        [.. var number, 'M', 'i'] => double.Parse(number, CultureInfo.InvariantCulture) * 1024 * 1024,
        [.. var number, 'G', 'i'] => double.Parse(number, CultureInfo.InvariantCulture) * 1024 * 1024 * 1024,
        [.. var number, 'm'] => double.Parse(number, CultureInfo.InvariantCulture) / 1000,
        _ => double.Parse(quantity, CultureInfo.InvariantCulture),
    };

    private static IEnumerable<string> Restrictions(JsonObject container)
    {
        var context = container["securityContext"];
        if (context.Text("allowPrivilegeEscalation") != "false") yield return "allowPrivilegeEscalation is not false";
        if (context.Text("readOnlyRootFilesystem") != "true") yield return "readOnlyRootFilesystem is not true";
        if (context.Text("privileged") == "true" || context?["capabilities"]?["add"] is not null) yield return "it has privileges or capabilities";
        if ((context?["capabilities"]?["drop"] as JsonArray)?.Any(capability => capability!.ToString() == "ALL") != true) yield return "it does not drop ALL capabilities";
        if (container.Objects("volumeMounts").All(mount => mount.Text("mountPath") != "/tmp")) yield return "nothing is mounted at /tmp, and the rest cannot be written";
    }

    private static IEnumerable<string> Pod(IReadOnlyList<JsonObject> manifests, JsonObject workload)
    {
        var pod = workload.Pod();
        if (pod["securityContext"].Text("runAsNonRoot") != "true") yield return "runAsNonRoot is not true";
        if (pod["securityContext"]?["seccompProfile"].Text("type") != "RuntimeDefault") yield return "seccompProfile is not RuntimeDefault";
        if (pod.Text("automountServiceAccountToken") != "false") yield return "automountServiceAccountToken is not false";
        // A Service named monitoring-api would set MONITORING_API_PORT.
        if (pod.Text("enableServiceLinks") != "false") yield return "enableServiceLinks is not false";
        if (pod.Text("hostNetwork") == "true" || pod.Text("hostPID") == "true" || pod.Text("hostIPC") == "true") yield return "it is in a namespace of the host";
        var volumes = pod.Objects("volumes").ToDictionary(volume => volume.Text("name")!);
        foreach (var mount in workload.Containers().SelectMany(container => container.Objects("volumeMounts")))
        {
            if (!volumes.ContainsKey(mount.Text("name")!)) yield return $"there is no volume {mount.Text("name")}";
        }

        foreach (var (name, volume) in volumes)
        {
            if (volume["emptyDir"] is null && volume["secret"] is null) yield return $"the volume {name} is neither an emptyDir nor a Secret";
            if (volume["secret"] is not { } secret) continue;
            if (manifests.OfKind("Cluster").Any(cluster => secret.Text("secretName") == $"{cluster.Name()}-app"))
            {
                // CloudNativePG writes this Secret: username, password, host, port, dbname, uri, …
                foreach (var item in secret.Objects("items").Where(item => (item.Text("key"), item.Text("path")) != ("uri", "url"))) yield return $"the Secret {secret.Text("secretName")} gives its {item.Text("key")} as {item.Text("path")}, where DATABASE_URL_FILE takes its uri as url";
                continue;
            }

            var own = pod.Objects("containers").First().Text("name");
            if (secret.Text("secretName") != own || secret.Text("optional") != "true") yield return $"the Secret {secret.Text("secretName")} is not the optional {own}";
            foreach (var item in secret.Objects("items").Where(item => !FilesOfSecrets.Contains(item.Text("key")))) yield return $"the key {item.Text("key")} of the Secret {own} is no file: {string.Join(", ", FilesOfSecrets)} are";
        }

        foreach (var container in workload.Containers())
        {
            foreach (var variable in container.Objects("env").Where(variable => variable.Text("name")!.EndsWith("_FILE", StringComparison.Ordinal) && !Mounted(workload, container).Contains(variable.Text("value"))))
            {
                yield return $"{variable.Text("name")} = {variable.Text("value")} is not mounted";
            }
        }
    }

    /// <summary>Returns the Secret files that a container can see.</summary>
    private static IEnumerable<string> Mounted(JsonObject workload, JsonObject container) =>
        from mount in container.Objects("volumeMounts")
        from volume in workload.Pod().Objects("volumes")
        where volume.Text("name") == mount.Text("name")
        from item in volume["secret"].Objects("items")
        select $"{mount.Text("mountPath")}/{item.Text("path")}";

    /// <summary>Checks that files named in settings are mounted.</summary>
    private static IEnumerable<string> Credentials(IReadOnlyList<JsonObject> manifests)
    {
        foreach (var map in manifests.OfKind("ConfigMap"))
        {
            foreach (var (key, file) in map.Map("data").Where(pair => pair.Key.EndsWith("File", StringComparison.OrdinalIgnoreCase) && pair.Value.Length > 0))
            {
                foreach (var (workload, container) in manifests.OfWorkloads().SelectMany(workload => workload.Containers().Select(container => (workload, container))))
                {
                    var reads = container.Objects("envFrom").Any(source => source["configMapRef"].Text("name") == map.Name());
                    if (reads && !Mounted(workload, container).Contains(file)) yield return $"{workload.Title()}: {key} = {file} is not mounted";
                }
            }
        }

        foreach (var authentication in manifests.OfKind("TriggerAuthentication"))
        {
            foreach (var target in authentication["spec"].Objects("secretTargetRef"))
            {
                string[] keys = [.. SecretVariables, .. FilesOfSecrets];
                if (target.Text("name") != "consumers" || !keys.Contains(target.Text("key"))) yield return $"{authentication.Title()}: the key {target.Text("key")} of the Secret {target.Text("name")} is none of consumers: {string.Join(", ", keys)}";
            }
        }
    }

    private static IEnumerable<string> Selectors(IReadOnlyList<JsonObject> manifests)
    {
        foreach (var workload in manifests.OfKind("Deployment"))
        {
            if (!Selects(workload["spec"]?["selector"], workload.Template()["metadata"].Map("labels"))) yield return $"{workload.Title()}: its selector is not that of its pods";
            if (Pods(manifests).Count(labels => Selects(workload["spec"]?["selector"], labels)) > 1) yield return $"{workload.Title()}: its selector is that of other pods, too";
            foreach (var spread in workload.Pod().Objects("topologySpreadConstraints").Where(spread => !Selects(spread["labelSelector"], workload.Template()["metadata"].Map("labels"))))
            {
                yield return $"{workload.Title()}: it is spread by other pods than its own ({spread["labelSelector"]!.ToJsonString()})";
            }
        }

        foreach (var budget in manifests.OfKind("PodDisruptionBudget").Where(budget => !Pods(manifests).Any(labels => Selects(budget["spec"]?["selector"], labels))))
        {
            yield return $"{budget.Title()}: no pod has the labels that it selects";
        }

        foreach (var name in manifests.OfKind("Deployment").Select(workload => workload.Template()["metadata"].Map("labels")[NameLabel]).Distinct())
        {
            var pod = new Dictionary<string, string> { [NameLabel] = name };
            if (manifests.OfKind("PodDisruptionBudget").Count(budget => Selects(budget["spec"]?["selector"], pod)) != 1) yield return $"{name} has not one PodDisruptionBudget";
        }
    }

    private static IEnumerable<string> Policies(IReadOnlyList<JsonObject> manifests)
    {
        var policies = manifests.OfKind("NetworkPolicy").ToList();
        foreach (var policy in policies)
        {
            foreach (var selector in (JsonNode?[])[policy["spec"]?["podSelector"], .. Peers(policy).Where(peer => peer["namespaceSelector"] is null).Select(peer => peer["podSelector"])])
            {
                if (!IsSomebodys(manifests, selector)) yield return $"{policy.Title()}: no pod has the labels {selector?.ToJsonString()}";
            }

            foreach (var port in Rules(policy).SelectMany(rule => rule.Objects("ports")).Where(port => !KnownPorts(manifests).Contains(port.Text("port"))))
            {
                yield return $"{policy.Title()}: nobody listens at port {port.Text("port")}";
            }
        }

        foreach (var workload in manifests.OfWorkloads())
        {
            var labels = workload.Template()["metadata"].Map("labels");
            if (!policies.Exists(policy => Rules(policy).Count == 0 && policy["spec"]!["policyTypes"]!.AsArray().Count == 2 && Selects(policy["spec"]?["podSelector"], labels)))
            {
                yield return $"{workload.Title()}: no NetworkPolicy denies what is not allowed";
            }

            var image = Image(workload.Pod().Objects("containers").First());
            var ports = policies.Where(policy => Selects(policy["spec"]?["podSelector"], labels)).SelectMany(policy => policy["spec"].Objects("egress")).SelectMany(rule => rule.Objects("ports")).Select(port => port.Text("port")).ToHashSet();
            var needed = image == "factory-monitoring/monitoring-web" ? ["53", "5080"] : new HashSet<string?> { "53", "5432" };
            if (image != "factory-monitoring/monitoring-web") needed.UnionWith(BrokerPorts(manifests));
            foreach (var port in needed.Where(port => !ports.Contains(port))) yield return $"{workload.Title()}: no NetworkPolicy lets it out to port {port}";
            foreach (var database in policies.Where(policy => ports.Contains("5432") && (policy["spec"]?["podSelector"]).Map("matchLabels").ContainsKey(PostgresLabel)))
            {
                var guests = database["spec"].Objects("ingress").Where(rule => rule.Objects("ports").Any(port => port.Text("port") == "5432")).SelectMany(rule => rule.Objects("from"));
                if (!guests.Any(guest => guest["namespaceSelector"] is null && Selects(guest["podSelector"], labels))) yield return $"{workload.Title()}: {database.Title()} does not let it in";
            }
        }

        foreach (var listener in manifests.OfKind("Kafka").SelectMany(kafka => kafka["spec"]!["kafka"].Objects("listeners")))
        {
            foreach (var peer in listener.Objects("networkPolicyPeers").Where(peer => peer["namespaceSelector"] is null && !IsSomebodys(manifests, peer["podSelector"])))
            {
                yield return $"listener {listener.Text("name")}: no pod has the labels {peer["podSelector"]?.ToJsonString()}";
            }
        }
    }

    private static HashSet<string?> BrokerPorts(IReadOnlyList<JsonObject> manifests) =>
        [.. manifests.OfKind("ConfigMap").Select(map => map.Map("data").GetValueOrDefault(EnvironmentNames.KafkaBrokers)).OfType<string>().SelectMany(list => list.Split(',')).Select(broker => broker.Split(':')[^1])];

    private static HashSet<string?> KnownPorts(IReadOnlyList<JsonObject> manifests) =>
    [
        "53", "5432", "9092", "9093",
        .. manifests.OfWorkloads().SelectMany(workload => workload.Containers()).SelectMany(container => container.Objects("ports")).Select(port => port.Text("containerPort")),
        // CloudNativePG's instances report their state on this port.
        .. manifests.OfKind("Cluster").Any() ? ["8000"] : Array.Empty<string>(),
    ];

    private static List<JsonObject> Rules(JsonObject policy) => [.. policy["spec"].Objects("ingress"), .. policy["spec"].Objects("egress")];

    private static IEnumerable<JsonObject> Peers(JsonObject policy) => Rules(policy).SelectMany(rule => rule.Objects("from").Concat(rule.Objects("to")));

    /// <summary>Whether the selector matches pods of the factory, or pods that an operator creates for an object here.</summary>
    private static bool IsSomebodys(IReadOnlyList<JsonObject> manifests, JsonNode? selector)
    {
        if (selector is null) return false;
        var values = (selector["matchExpressions"] as JsonArray ?? []).SelectMany(expression => expression!["values"]!.AsArray()).Select(value => value!.ToString());
        var names = Pods(manifests).Select(labels => labels[NameLabel]).ToHashSet();
        return values.All(names.Contains)
            && (Pods(manifests).Any(labels => Selects(selector, labels))
                || (selector.Map("matchLabels") is { Count: 1 } single
                    && ((single.TryGetValue(ClusterLabel, out var kafka) && manifests.OfKind("Kafka").Any(cluster => cluster.Name() == kafka))
                        || (single.TryGetValue(PostgresLabel, out var postgres) && manifests.OfKind("Cluster").Any(cluster => cluster.Name() == postgres)))));
    }

    private static IEnumerable<IReadOnlyDictionary<string, string>> Pods(IReadOnlyList<JsonObject> manifests) => manifests.OfWorkloads().Select(workload => workload.Template()["metadata"].Map("labels"));

    private static bool Selects(JsonNode? selector, IReadOnlyDictionary<string, string> labels) =>
        selector.Map("matchLabels").All(pair => labels.GetValueOrDefault(pair.Key) == pair.Value)
        && selector.Objects("matchExpressions").All(expression =>
            expression.Text("operator") == "In" && expression["values"]!.AsArray().Any(value => value!.ToString() == labels.GetValueOrDefault(expression.Text("key")!)));

    private static IEnumerable<string> Services(IReadOnlyList<JsonObject> manifests)
    {
        foreach (var service in manifests.OfKind("Service"))
        {
            var selected = manifests.OfKind("Deployment").Where(workload => service["spec"].Map("selector").All(pair => workload.Template()["metadata"].Map("labels").GetValueOrDefault(pair.Key) == pair.Value)).ToList();
            if (selected is not [var workload]) yield return $"{service.Title()}: it leads to {selected.Count} Deployments and not to one";
            else if (workload.Name() != service.Name()) yield return $"{service.Title()}: it leads to {workload.Name()}";
            else
            {
                foreach (var port in service["spec"].Objects("ports"))
                {
                    var named = workload.Containers().SelectMany(container => container.Objects("ports")).FirstOrDefault(each => each.Text("name") == port.Text("targetPort"));
                    if (named.Text("containerPort") != port.Text("port")) yield return $"{service.Title()}: its port {port.Text("port")} leads to {named.Text("containerPort") ?? "no port"}";
                }
            }
        }

        foreach (var host in manifests.OfKind("Deployment").SelectMany(workload => workload.Containers()).SelectMany(container => container.Objects("env"))
            .Where(variable => variable.Text("name") == EnvironmentNames.MonitoringApiHost).Select(variable => variable.Text("value")).Where(host => host != "0.0.0.0"))
        {
            if (manifests.OfKind("Service").All(service => service.Name() != host)) yield return $"{EnvironmentNames.MonitoringApiHost} is {host}, and there is no such Service";
        }
    }

    private static IEnumerable<string> Scaling(IReadOnlyList<JsonObject> manifests)
    {
        var partitions = manifests.OfKind("ConfigMap").Select(map => map.Map("data").GetValueOrDefault("Factory__Partitions")).Single(value => value is not null)!;
        foreach (var scaled in manifests.OfKind("ScaledObject"))
        {
            var spec = scaled["spec"];
            if (spec.Text("maxReplicaCount") != partitions) yield return $"{scaled.Title()}: maxReplicaCount is {spec.Text("maxReplicaCount")}, and sensor-data has {partitions} partitions (Factory__Partitions)";
            if (int.Parse(spec.Text("minReplicaCount") ?? "0", CultureInfo.InvariantCulture) < 2) yield return $"{scaled.Title()}: minReplicaCount is {spec.Text("minReplicaCount")}: with one consumer nobody goes on while it is away";
            var target = manifests.OfKind("Deployment").FirstOrDefault(workload => workload.Name() == spec?["scaleTargetRef"].Text("name"));
            if (target is null) yield return $"{scaled.Title()}: there is no Deployment {spec?["scaleTargetRef"].Text("name")}";
            else if (target["spec"]?["replicas"] is not null) yield return $"{target.Title()}: it says replicas, which are the ScaledObject's to say";
            foreach (var trigger in spec.Objects("triggers"))
            {
                foreach (var problem in Trigger(manifests, trigger, target)) yield return $"{scaled.Title()}: {problem}";
            }
        }

        var topics = manifests.OfKind("KafkaTopic").ToDictionary(topic => topic.Name(), topic => topic["spec"]);
        foreach (var wanted in topics.Count == 0 ? [] : KafkaNames.Default.Topics(int.Parse(partitions, CultureInfo.InvariantCulture)))
        {
            var topic = topics.GetValueOrDefault(wanted.Name);
            if (topic.Text("partitions") != wanted.Partitions.ToString(CultureInfo.InvariantCulture)) yield return $"KafkaTopic {wanted.Name} has {topic.Text("partitions") ?? "no"} partitions and not {wanted.Partitions}";
            if (topic.Text("replicas") != "3" || topic?["config"].Text("min.insync.replicas") != "2") yield return $"KafkaTopic {wanted.Name} has not 3 replicas of which 2 have to be in sync";
        }

        foreach (var unknown in topics.Keys.Except(KafkaNames.Default.Topics().Select(topic => topic.Name))) yield return $"KafkaTopic {unknown} is none of the services'";
    }

    private static IEnumerable<string> Trigger(IReadOnlyList<JsonObject> manifests, JsonObject trigger, JsonObject? target)
    {
        var metadata = trigger["metadata"];
        if (trigger.Text("type") != "kafka") yield return $"the trigger is of type {trigger.Text("type")}";
        if (metadata.Text("topic") != KafkaNames.Default.SensorTopic) yield return $"the topic is {metadata.Text("topic")} and not {KafkaNames.Default.SensorTopic}";
        if (metadata.Text("consumerGroup") != KafkaNames.Default.ConsumerGroup) yield return $"the group is {metadata.Text("consumerGroup")} and not {KafkaNames.Default.ConsumerGroup}";
        foreach (var unknown in metadata!.AsObject().Select(pair => pair.Key).Except(["bootstrapServersFromEnv", "consumerGroup", "topic", "lagThreshold", "offsetResetPolicy", "version", "sasl", "tls"]))
        {
            yield return $"the trigger knows no {unknown}";
        }

        if (trigger["authenticationRef"].Text("name") is { } authentication && manifests.OfKind("TriggerAuthentication").All(each => each.Name() != authentication)) yield return $"there is no TriggerAuthentication {authentication}";
        var kafka = manifests.OfKind("ConfigMap").Select(map => map.Map("data")).First(data => data.ContainsKey(EnvironmentNames.KafkaBrokers));
        var isSecured = kafka.ContainsKey("Kafka__Security__Protocol");
        if (isSecured != (trigger["authenticationRef"] is not null)) yield return "the trigger signs in where the services do not, or the other way round";
        if (isSecured)
        {
            var sasl = kafka["Kafka__Security__Mechanism"].Replace("-", "", StringComparison.Ordinal).Replace("SCRAMSHA", "scram_sha", StringComparison.Ordinal).Replace("PLAIN", "plaintext", StringComparison.Ordinal);
            if (metadata.Text("sasl") != sasl || metadata.Text("tls") != (kafka["Kafka__Security__Protocol"].EndsWith("ssl", StringComparison.Ordinal) ? "enable" : "disable")) yield return "the trigger signs in otherwise than the services";
        }

        // KEDA connects from another namespace.
        var container = target?.Pod().Objects("containers").First();
        if (metadata.Text("bootstrapServersFromEnv") != EnvironmentNames.KafkaBrokers || container is null) yield return $"the brokers are not those of {EnvironmentNames.KafkaBrokers}";
        foreach (var broker in kafka[EnvironmentNames.KafkaBrokers].Split(','))
        {
            if (!broker.Split(':')[0].Contains('.', StringComparison.Ordinal)) yield return $"the broker {broker} has no whole name: KEDA asks from another namespace";
        }
    }

    /// <summary>Checks that Strimzi's brokers have the settings of those in Compose.</summary>
    private static IEnumerable<string> Brokers(IReadOnlyList<JsonObject> manifests)
    {
        foreach (var kafka in manifests.OfKind("Kafka"))
        {
            var config = kafka["spec"]!["kafka"].Map("config");
            var pool = manifests.OfKind("KafkaNodePool").Single(pool => pool["metadata"]!["labels"].Text(ClusterLabel) == kafka.Name());
            var compose = Compose.Service("kafka1").Map("environment");
            // Settings of each broker, not of the cluster.
            string[] ownOfBrokers = ["KAFKA_HEAP_OPTS", "KAFKA_JVM_PERFORMANCE_OPTS"];
            var wanted = compose.Where(pair => pair.Key.StartsWith("KAFKA_", StringComparison.Ordinal) && !ownOfBrokers.Contains(pair.Key))
                .Select(pair => (Name: pair.Key[6..].ToLowerInvariant().Replace('_', '.'), pair.Value))
                .Where(pair => !StrimzisOwn.Any(prefix => pair.Name.StartsWith(prefix, StringComparison.Ordinal)) || NotStrimzisOwn.Contains(pair.Name))
                .ToDictionary(pair => pair.Name, pair => pair.Value);
            foreach (var (name, value) in wanted.Where(pair => config.GetValueOrDefault(pair.Key) != pair.Value)) yield return $"{kafka.Title()}: {name} is {config.GetValueOrDefault(name) ?? "not set"}, and {value} in Compose";
            foreach (var name in config.Keys.Where(name => !wanted.ContainsKey(name))) yield return $"{kafka.Title()}: {name} is set, and not in Compose, or not for Strimzi's users to set";

            (string Name, JsonNode? Template)[] containers =
                [("kafkaContainer", kafka["spec"]!["kafka"]!["template"]), ("topicOperatorContainer", kafka["spec"]!["entityOperator"]?["template"])];
            foreach (var (name, template) in containers)
            {
                var context = template?[name]?["securityContext"];
                var drops = (context?["capabilities"]?["drop"] as JsonArray)?.Any(capability => capability!.ToString() == "ALL") == true;
                if (context.Text("allowPrivilegeEscalation") != "false" || context.Text("runAsNonRoot") != "true" || context?["seccompProfile"].Text("type") != "RuntimeDefault" || !drops)
                {
                    yield return $"{kafka.Title()}: {name} is not restricted, as the namespace asks";
                }

                if (template?["pod"]?["securityContext"] is { } pod && pod["fsGroup"] is null) yield return $"{kafka.Title()}: beside {name} the pod has a securityContext without the fsGroup that Strimzi would set";
            }

            var options = pool["spec"]!["jvmOptions"];
            var heap = $"-Xms{options.Text("-Xms")} -Xmx{options.Text("-Xmx")}";
            if (heap != compose["KAFKA_HEAP_OPTS"]) yield return $"{pool.Title()}: the heap is {heap}, and {compose["KAFKA_HEAP_OPTS"]} in Compose";
            var xx = options.Map("-XX").Select(pair => pair.Value == "true" ? $"-XX:+{pair.Key}" : pair.Key is "NewSize" or "MaxNewSize" ? $"-Xmn{pair.Value}" : $"-XX:{pair.Key}={pair.Value}").ToHashSet();
            if (!xx.SetEquals(compose["KAFKA_JVM_PERFORMANCE_OPTS"].Split(' '))) yield return $"{pool.Title()}: Java's options are {string.Join(' ', xx)}, and {compose["KAFKA_JVM_PERFORMANCE_OPTS"]} in Compose";
            if (pool["spec"].Text("replicas") != "3") yield return $"{pool.Title()}: it has {pool["spec"].Text("replicas")} brokers and not 3";
            var brokers = string.Join(',', Enumerable.Range(0, 3).Select(number => $"{kafka.Name()}-{pool.Name()}-{number}.{kafka.Name()}-kafka-brokers.factory-monitoring.svc:9092"));
            var list = manifests.OfKind("ConfigMap").Select(map => map.Map("data").GetValueOrDefault(EnvironmentNames.KafkaBrokers)).Single(value => value is not null);
            if (list != brokers) yield return $"{EnvironmentNames.KafkaBrokers} is {list}, and the brokers are {brokers}";
        }
    }

    private static IEnumerable<string> Postgres(IReadOnlyList<JsonObject> manifests)
    {
        foreach (var cluster in manifests.OfKind("Cluster"))
        {
            var compose = Compose.Service("postgres");
            var version = Compose.Default(compose.Text("image")!).Split(':')[1];
            if (cluster["spec"].Text("imageName") != $"ghcr.io/cloudnative-pg/postgresql:{version}") yield return $"{cluster.Title()}: the image is {cluster["spec"].Text("imageName")}, and PostgreSQL {version} in Compose";
            if (cluster["spec"].Text("instances") != "3") yield return $"{cluster.Title()}: it has {cluster["spec"].Text("instances")} instances and not 3";
            var initdb = cluster["spec"]!["bootstrap"]!["initdb"];
            if (initdb.Text("database") != compose["environment"].Text("POSTGRES_DB") || initdb.Text("owner") != compose["environment"].Text("POSTGRES_USER")) yield return $"{cluster.Title()}: database and owner are not those of Compose";
            foreach (var volume in manifests.OfWorkloads().SelectMany(workload => workload.Pod().Objects("volumes")).Where(volume => volume.Text("name") == "database"))
            {
                if (volume["secret"].Text("secretName") is var name && name != $"{cluster.Name()}-app") yield return $"the database's URL is of the Secret {name}, and not of {cluster.Name()}-app";
            }
        }
    }

    private static IEnumerable<string> Namespaces(IReadOnlyList<JsonObject> manifests)
    {
        var space = manifests.OfKind("Namespace").Single();
        if (space["metadata"].Map("labels").GetValueOrDefault("pod-security.kubernetes.io/enforce") != "restricted") yield return $"{space.Title()}: it does not enforce restricted pods";
        foreach (var other in manifests.Where(manifest => manifest.Kind() != "Namespace" && manifest["metadata"].Text("namespace") != space.Name())) yield return $"{other.Title()}: it is in the namespace {other["metadata"].Text("namespace")}";
        foreach (var twice in manifests.GroupBy(manifest => manifest.Title()).Where(group => group.Count() > 1)) yield return $"{twice.Key} is there twice";
    }

    [GeneratedRegex("<Version>(.*?)</Version>")]
    private static partial Regex VersionElement();
}
