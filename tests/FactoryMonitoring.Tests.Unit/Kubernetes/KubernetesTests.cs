using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using FactoryMonitoring.Contracts;

namespace FactoryMonitoring.Tests.Unit.Kubernetes;

/// <summary>
/// deploy/kubernetes as kubectl renders it: every object is parsed strictly, and every image, port, variable, Secret and selector is compared with what the
/// services know. Not tested on a cluster.
/// </summary>
public sealed partial class KubernetesTests
{
    private const string Everything = "overlays/cloudnative-pg";
    private const string OwnKafka = "overlays/own-kafka";

    [Theory]
    [InlineData("base")]
    [InlineData(OwnKafka)]
    [InlineData("overlays/strimzi")]
    [InlineData(Everything)]
    public void What_is_rendered_is_read_strictly_and_names_only_what_the_services_know(string folder)
    {
        var manifests = Kustomize.Render(folder);
        var problems = ManifestChecks.Problems(manifests);

        Assert.True(problems.Count == 0, string.Join('\n', problems));
        Assert.Equal(
            ["consumers", "energy-sensor", "humidity-sensor", "monitoring-api", "monitoring-web", "pressure-sensor", "provisioner", "temperature-sensor", "vibration-sensor"],
            manifests.OfWorkloads().Select(workload => workload.Name()).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Each_overlay_is_rendered_by_these_tests() => Assert.Equal(
        ["cloudnative-pg", "own-kafka", "strimzi"],
        Directory.GetDirectories(Path.Combine(Repository.Root, "deploy", "kubernetes", "overlays")).Select(Path.GetFileName).Order(StringComparer.Ordinal));

    [Fact]
    public void Each_type_has_a_sensor_and_they_differ_in_their_names_alone()
    {
        var sensors = Kustomize.Render("base").OfKind("Deployment").Where(workload => workload.Name().EndsWith("-sensor", StringComparison.Ordinal)).ToList();

        Assert.Equal(SensorCatalog.Types.Keys.Select(ResourceNames.Sensor).Order(), sensors.Select(sensor => sensor.Name()).Order());
        Assert.Single(sensors.Select(sensor => sensor.ToJsonString().Replace(sensor.Name()[..^"-sensor".Length], "", StringComparison.Ordinal)).Distinct());
    }

    [Fact]
    public void With_brokers_of_ones_own_no_simulated_sensor_runs() => Assert.All(
        Kustomize.Render(OwnKafka).OfKind("Deployment").Where(workload => workload.Name().EndsWith("-sensor", StringComparison.Ordinal)),
        sensor => Assert.Equal("0", sensor["spec"].Text("replicas")));

    [Fact]
    public void The_objects_in_the_manual_are_read_strictly()
    {
        var objects = Blocks("yaml").SelectMany(Yaml.Documents).Where(document => document.Kind() != "Kustomization").ToList();

        Assert.NotEmpty(objects);
        Assert.Equal([], objects.SelectMany(StrictReader.Problems));
    }

    [Fact]
    public void The_manual_makes_the_Secrets_that_the_services_read()
    {
        var told = SecretCommand().Matches(string.Join('\n', Blocks("sh")).Replace("\\\n", " ", StringComparison.Ordinal))
            .SelectMany(command => SecretKey().Matches(command.Groups[2].Value).Select(key => (Name: command.Groups[1].Value, Key: key.Groups[1].Value))).ToHashSet();
        var read = Kustomize.Render("base").OfWorkloads().SelectMany(workload => workload.Containers()
                .SelectMany(container => container.Objects("env")).Select(variable => variable["valueFrom"]?["secretKeyRef"]).Where(secret => secret is not null)
                .Select(secret => (Name: secret.Text("name")!, Key: secret.Text("key")!))
                .Concat(workload.Pod().Objects("volumes").SelectMany(volume => volume["secret"].Objects("items").Select(item => (volume["secret"].Text("secretName")!, item.Text("key")!)))))
            .ToHashSet();

        Assert.Equal(read.Order(), told.Order());
    }

    [Fact]
    public void A_member_that_the_model_does_not_know_is_found() =>
        Finds("Property 'replica' not found", "Deployment", "monitoring-api", manifest => manifest["spec"]!["replica"] = 1);

    [Fact]
    public void A_member_deep_in_a_pod_is_found() =>
        Finds("Property 'periodSecond' not found", "Deployment", "consumers", manifest => manifest.Pod().Objects("containers").First()["livenessProbe"]!["periodSecond"] = 1);

    [Fact]
    public void Text_in_place_of_a_number_is_found() =>
        Finds("containerPort is \"8080\"", "Deployment", "consumers", manifest => manifest.Pod().Objects("containers").First()["ports"]![0]!["containerPort"] = "8080");

    [Theory]
    [InlineData("ScaledObject", "consumers")]
    [InlineData("Kafka", "factory")]
    [InlineData("KafkaNodePool", "brokers")]
    [InlineData("KafkaTopic", "alerts")]
    [InlineData("Cluster", "factory-postgres")]
    [InlineData("TriggerAuthentication", "kafka", OwnKafka)]
    public void A_member_that_the_schema_of_a_custom_resource_does_not_know_is_found(string kind, string name, string folder = Everything) =>
        Finds($"{kind} {name}: /spec/surprise", kind, name, manifest => manifest["spec"]!["surprise"] = true, folder);

    [Fact]
    public void Text_in_place_of_a_number_in_a_custom_resource_is_found() =>
        Finds("ScaledObject consumers: /spec/minReplicaCount", "ScaledObject", "consumers", manifest => manifest["spec"]!["minReplicaCount"] = "2");

    [Fact]
    public void A_custom_resource_without_a_schema_is_found() =>
        Finds("there is no schema of kafka.strimzi.io/v1 KafkaUser", "KafkaTopic", "alerts", manifest => manifest["kind"] = "KafkaUser");

    [Theory]
    [InlineData("factory-monitoring/consumer:1.0.0", "the image factory-monitoring/consumer:1.0.0 is none of")]
    [InlineData("factory-monitoring/consumers:latest", "has not the tag")]
    public void A_wrong_image_is_found(string image, string problem) =>
        Finds($"{problem}", "Deployment", "consumers", manifest => manifest.Pod().Objects("containers").First()["image"] = image);

    [Theory]
    [InlineData("containerPort", 8081, "its ports are 8081 and not 8080")]
    public void A_wrong_port_is_found(string member, int value, string problem) =>
        Finds(problem, "Deployment", "consumers", manifest => manifest.Pod().Objects("containers").First()["ports"]![0]![member] = value);

    [Theory]
    [InlineData("CONSUMER_ID", "CONSUMER_NAME", "the variable CONSUMER_NAME is none of factory-monitoring/consumers")]
    [InlineData("CONSUMER_ID", "PRODUCER_ID", "the variable PRODUCER_ID is none of factory-monitoring/consumers")]
    [InlineData("CONSUMER_ID", "CONSUMER_NAME", "the variable CONSUMER_ID is missing")]
    public void A_wrong_variable_is_found(string name, string instead, string problem) =>
        Finds(problem, "Deployment", "consumers", manifest => Variable(manifest, name)["name"] = instead);

    [Theory]
    [InlineData("consumers", "Consumers__GroupProtokol", "classic", "GroupProtokol")]
    [InlineData("consumers", "Detection__LearnFor", "soon", "LearnFor")]
    [InlineData("consumers", "Consumers__Messages__TimeZones", "UTC", "TimeZones")]
    [InlineData("provisioner", "Factory__Partition", "6", "Partition")]
    [InlineData("kafka", "Kafka__Security__Pasword", "x", "Kafka:Security:Pasword: there is no such setting")]
    [InlineData("kafka", "Kafka__Security__CaFile", "/ca.pem", "Kafka__Security__CaFile = /ca.pem is not mounted")]
    [InlineData("monitoring-web", "SignIn__Autority", "https://login.example.org", "the variable SignIn__Autority is none of factory-monitoring/monitoring-web")]
    public void A_wrong_setting_is_found(string map, string key, string value, string problem) =>
        Finds(problem, "ConfigMap", map, manifest => manifest["data"]![key] = value);

    [Theory]
    [InlineData("name", "consumer", "the Secret consumer is none: consumers is the service's own")]
    [InlineData("key", "KAFKA_USER", "the key KAFKA_USER of the Secret consumers is not for Kafka__Security__Username")]
    [InlineData("key", "KAFKA_PASSWORD", "the key KAFKA_PASSWORD of the Secret consumers is not for Kafka__Security__Username")]
    public void A_wrong_Secret_is_found(string member, string value, string problem) =>
        Finds(problem, "Deployment", "consumers", manifest => Variable(manifest, "Kafka__Security__Username")["valueFrom"]!["secretKeyRef"]![member] = value, "base");

    [Theory]
    [InlineData("base")]
    [InlineData(OwnKafka)]
    [InlineData("overlays/strimzi")]
    [InlineData(Everything)]
    public void Nothing_secret_is_in_a_variable(string folder) => Assert.DoesNotContain(
        Kustomize.Render(folder).OfWorkloads().SelectMany(workload => workload.Containers()).SelectMany(container => container.Objects("env")),
        variable => variable["valueFrom"]?["secretKeyRef"] is { } secret && secret.Text("key") != "KAFKA_USERNAME");

    [Fact]
    public void A_database_of_another_Secret_than_the_services_own_is_found() =>
        Finds("the Secret consumer is not the optional consumers", "Deployment", "consumers", manifest => Volume(manifest, "database")["secret"]!["secretName"] = "consumer", "base");

    [Fact]
    public void A_file_that_is_not_mounted_is_found() =>
        Finds("DATABASE_URL_FILE = /run/secrets/database/url is not mounted", "Deployment", "consumers", manifest => Volume(manifest, "database")["secret"]!["items"]![0]!["path"] = "uri", "base");

    [Fact]
    public void A_wrong_key_of_the_Secret_that_CloudNativePG_writes_is_found() =>
        Finds("gives its host as url", "Deployment", "consumers", manifest => Volume(manifest, "database")["secret"]!["items"]![0]!["key"] = "host");

    [Fact]
    public void A_wrong_file_of_a_Secret_is_found() =>
        Finds("the key PASSWORD of the Secret consumers is no file", "Deployment", "consumers", manifest => Volume(manifest, "secrets")["secret"]!["items"]![0]!["key"] = "PASSWORD");

    [Fact]
    public void A_ConfigMap_that_is_not_there_is_found() =>
        Finds("there is no ConfigMap settings", "Deployment", "consumers", manifest => manifest.Pod().Objects("containers").First()["envFrom"]![0]!["configMapRef"]!["name"] = "settings");

    [Theory]
    [InlineData("Deployment", "monitoring-api")]
    [InlineData("PodDisruptionBudget", "monitoring-api")]
    public void A_selector_that_selects_nothing_is_found(string kind, string name) =>
        Finds($"{kind} {name}: ", kind, name, manifest => manifest["spec"]!["selector"]!["matchLabels"]!["app.kubernetes.io/name"] = "api");

    [Fact]
    public void A_Service_that_leads_nowhere_is_found() =>
        Finds("Service monitoring-api: it leads to 0 Deployments", "Service", "monitoring-api", manifest => manifest["spec"]!["selector"]!["app.kubernetes.io/name"] = "api");

    [Fact]
    public void A_NetworkPolicy_that_selects_nothing_is_found() =>
        Finds("NetworkPolicy api-from-web: no pod has the labels", "NetworkPolicy", "api-from-web", manifest => manifest["spec"]!["ingress"]![0]!["from"]![0]!["podSelector"]!["matchLabels"]!["app.kubernetes.io/name"] = "web");

    [Fact]
    public void A_NetworkPolicy_that_shuts_the_brokers_out_is_found() =>
        Finds("Deployment consumers: no NetworkPolicy lets it out to port 9092", "NetworkPolicy", "to-kafka", manifest => manifest["spec"]!["egress"]![0]!["ports"]![0]!["port"] = 9093);

    [Theory]
    [InlineData("maxReplicaCount", 7, "maxReplicaCount is 7, and sensor-data has 6 partitions")]
    [InlineData("minReplicaCount", 1, "with one consumer nobody goes on")]
    public void Replicas_that_are_no_partitions_are_found(string member, int value, string problem) =>
        Finds(problem, "ScaledObject", "consumers", manifest => manifest["spec"]![member] = value);

    [Theory]
    [InlineData("topic", "readings", "the topic is readings and not sensor-data")]
    [InlineData("consumerGroup", "consumers", "the group is consumers and not sensor-processors")]
    [InlineData("lagTreshold", "5", "the trigger knows no lagTreshold")]
    public void A_wrong_trigger_is_found(string member, string value, string problem) =>
        Finds(problem, "ScaledObject", "consumers", manifest => manifest["spec"]!["triggers"]![0]!["metadata"]![member] = value);

    [Fact]
    public void A_topic_with_other_partitions_is_found() =>
        Finds("KafkaTopic sensor-data has 12 partitions and not 6", "KafkaTopic", "sensor-data", manifest => manifest["spec"]!["partitions"] = 12);

    [Theory]
    [InlineData("group.consumer.session.timeout.ms", 45000, "group.consumer.session.timeout.ms is 45000, and 6000 in Compose")]
    [InlineData("min.insync.replicas", 1, "min.insync.replicas is 1, and 2 in Compose")]
    [InlineData("broker.session.timeout.ms", 500, "broker.session.timeout.ms is set, and not in Compose, or not for Strimzi's users to set")]
    public void A_broker_that_is_set_otherwise_is_found(string setting, int value, string problem) =>
        Finds(problem, "Kafka", "factory", manifest => manifest["spec"]!["kafka"]!["config"]![setting] = value);

    [Fact]
    public void A_broker_that_the_namespace_refuses_is_found() =>
        Finds("kafkaContainer is not restricted", "Kafka", "factory", manifest => manifest["spec"]!["kafka"]!["template"]!["kafkaContainer"]!["securityContext"]!.AsObject().Remove("seccompProfile"));

    [Fact]
    public void A_broker_that_cannot_write_is_found() =>
        Finds("without the fsGroup", "Kafka", "factory", manifest => manifest["spec"]!["kafka"]!["template"]!["pod"]!["securityContext"] = new JsonObject { ["runAsNonRoot"] = true });

    [Fact]
    public void Another_PostgreSQL_is_found() =>
        Finds("and PostgreSQL 17 in Compose", "Cluster", "factory-postgres", manifest => manifest["spec"]!["imageName"] = "ghcr.io/cloudnative-pg/postgresql:16");

    [Theory]
    [InlineData("allowPrivilegeEscalation", true, "allowPrivilegeEscalation is not false")]
    [InlineData("readOnlyRootFilesystem", false, "readOnlyRootFilesystem is not true")]
    [InlineData("privileged", true, "it has privileges or capabilities")]
    public void A_container_that_may_too_much_is_found(string member, bool value, string problem) =>
        Finds(problem, "Deployment", "consumers", manifest => manifest.Pod().Objects("containers").First()["securityContext"]![member] = value);

    [Fact]
    public void A_pod_that_may_run_as_root_is_found() =>
        Finds("Job provisioner: runAsNonRoot is not true", "Job", "provisioner", manifest => manifest.Pod()["securityContext"]!.AsObject().Remove("runAsNonRoot"));

    [Fact]
    public void Variables_that_Kubernetes_would_add_are_found() =>
        Finds("enableServiceLinks is not false", "Deployment", "monitoring-web", manifest => manifest.Pod().Remove("enableServiceLinks"));

    [Theory]
    [InlineData("MONITORING_PUBLISHED_ON", "127.0.0.1", "whoever reaches the pod")]
    [InlineData("MONITORING_API_HOST", "api", "MONITORING_API_HOST is api, and there is no such Service")]
    public void A_page_that_is_open_or_blind_is_found(string variable, string value, string problem) =>
        Finds(problem, "Deployment", "monitoring-web", manifest => Variable(manifest, variable)["value"] = value);

    [Fact]
    public void A_page_that_nobody_may_see_is_found() =>
        Finds("the page does not start", "ConfigMap", "monitoring-web", manifest => manifest["data"]!["ALLOW_ANONYMOUS_VIEW"] = "false");

    [Fact]
    public void A_probe_that_AllowedHosts_refuses_is_found() =>
        Finds("its readinessProbe asks for the host of the pod's address", "Deployment", "monitoring-web", manifest => manifest.Pod().Objects("containers").First()["readinessProbe"]!["httpGet"]!.AsObject().Remove("httpHeaders"));

    [Fact]
    public void A_database_that_does_not_let_a_service_in_is_found() =>
        Finds("Deployment monitoring-web: NetworkPolicy postgres does not let it in", "NetworkPolicy", "postgres", manifest =>
            manifest["spec"].Objects("ingress").First().Objects("from").First()["podSelector"].Objects("matchExpressions").First()["values"]!.AsArray().RemoveAt(4));

    [Fact]
    public void Less_memory_than_was_measured_is_found() =>
        Finds("is less than the 442 MB that were measured", "Deployment", "consumers", manifest => manifest.Pod().Objects("containers").First()["resources"]!["limits"]!["memory"] = "256Mi");

    private static JsonObject Variable(JsonObject workload, string name) =>
        workload.Pod().Objects("containers").First().Objects("env").Single(variable => variable.Text("name") == name);

    private static JsonObject Volume(JsonObject workload, string name) => workload.Pod().Objects("volumes").Single(volume => volume.Text("name") == name);

    /// <summary>Changes one object, named without the suffix that a ConfigMap gets, and checks which problem is found then.</summary>
    private static void Finds(string problem, string kind, string name, Action<JsonObject> change, string folder = Everything)
    {
        var manifests = Kustomize.Render(folder);
        change(manifests.OfKind(kind).Single(manifest => manifest.Name() == name || (kind == "ConfigMap" && HashSuffix().Replace(manifest.Name(), "") == name)));

        Assert.Contains(ManifestChecks.Problems(manifests), found => found.Contains(problem, StringComparison.Ordinal));
    }

    private static IEnumerable<string> Blocks(string language) =>
        Fence().Matches(Repository.Read("docs", "kubernetes.md")).Where(match => match.Groups[1].Value == language).Select(match => match.Groups[2].Value);

    [GeneratedRegex("^```(\\w+)\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex("kubectl .*?create secret generic ([a-z-]+)([^\n]*)")]
    private static partial Regex SecretCommand();

    [GeneratedRegex("--from-(?:literal|file)=([A-Z_]+)=")]
    private static partial Regex SecretKey();

    [GeneratedRegex("-[a-z0-9]{10}$")]
    private static partial Regex HashSuffix();
}
