namespace Sluice.Gateway;

/// <summary>Where traces and metrics go by OTLP, the protocol of OpenTelemetry. There is none unless somebody asks for it.</summary>
public sealed record TelemetryOptions
{
    /// <summary>Of a collector, such as <c>http://collector:4318</c>; traces go to <c>/v1/traces</c> below it and metrics to
    /// <c>/v1/metrics</c>. With gRPC, usually port 4317, to the address itself.</summary>
    public required Uri Endpoint { get; init; }

    public bool IsGrpc { get; init; }

    /// <summary><c>service.name</c>.</summary>
    public string Service { get; init; } = "sluice";

    /// <summary>Headers for the collector as <c>name=value,name=value</c>, a key for example; null for none.</summary>
    public string? Headers { get; init; }

    /// <summary>Between two reports of metrics.</summary>
    public TimeSpan MetricsEvery { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>As the usual variables <c>OTEL_EXPORTER_OTLP_*</c> and <c>OTEL_SERVICE_NAME</c> say; null if they name no
    /// endpoint, or <c>OTEL_SDK_DISABLED</c> is true.</summary>
    /// <exception cref="Core.InputException">The endpoint is no address, or the protocol is not known.</exception>
    public static TelemetryOptions? FromEnvironment(Func<string, string?> variable)
    {
        if (variable("OTEL_EXPORTER_OTLP_ENDPOINT") is not { Length: > 0 } text) return null;
        if (string.Equals(variable("OTEL_SDK_DISABLED"), "true", StringComparison.OrdinalIgnoreCase)) return null;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var endpoint) || endpoint.Scheme is not ("http" or "https"))
            throw new Core.InputException($"OTEL_EXPORTER_OTLP_ENDPOINT={text}: expected an address such as http://collector:4318.");
        var protocol = variable("OTEL_EXPORTER_OTLP_PROTOCOL") is { Length: > 0 } given ? given : "http/protobuf";
        return new()
        {
            Endpoint = endpoint,
            IsGrpc = protocol switch
            {
                "grpc" => true,
                "http/protobuf" => false,
                _ => throw new Core.InputException($"OTEL_EXPORTER_OTLP_PROTOCOL={protocol}: expected http/protobuf or grpc."),
            },
            Service = variable("OTEL_SERVICE_NAME") is { Length: > 0 } name ? name : "sluice",
            Headers = variable("OTEL_EXPORTER_OTLP_HEADERS"),
        };
    }
}
