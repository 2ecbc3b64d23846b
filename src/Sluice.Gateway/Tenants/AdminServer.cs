using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Sluice.Core;
using Sluice.Storage;

namespace Sluice.Gateway;

/// <summary>The admin API: tenants, keys and their usage, on a port of its own.</summary>
/// <remarks>Without a token it takes requests from this machine only, and none that a web page could have sent: neither such with
/// an Origin, nor such for another host's name.</remarks>
public sealed class AdminServer
{
    private const int BodyBytesMax = 16 << 10;
    private const int NameMax = 100;

    /// <summary>Behind the public port as it is by default.</summary>
    private const int PortUsual = 8701;

    private static readonly string[] s_localNames = ["localhost", "127.0.0.1", "[::1]"];

    private readonly TenantDirectory _directory;
    private readonly AdminOptions _options;
    private readonly TimeProvider _time;
    private readonly TaskCompletionSource<string> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private GatewayServices _gateway = null!;

    /// <exception cref="InputException">It would be open to strangers.</exception>
    public AdminServer(TenantDirectory directory, AdminOptions? options = null, TimeProvider? time = null)
    {
        (_directory, _options, _time) = (directory, options ?? new(), time ?? TimeProvider.System);
        _options.Check();
    }

    /// <summary>Where it listens, once it does.</summary>
    public Task<string> AddressAsync => _address.Task;

    /// <summary>To be run with the gateway, see <see cref="GatewayParts.Workers"/>.</summary>
    public async Task RunAsync(GatewayServices gateway, CancellationToken stop)
    {
        _gateway = gateway;
        _directory.WeightChanged = gateway.Loop.SetWeightAsync;
        await _directory.TellWeightsAsync();

        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(static kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = BodyBytesMax;
        });
        builder.Services.AddRoutingCore();
        await using var app = builder.Build();
        var host = _options.Host.Contains(':') ? $"[{_options.Host.Trim('[', ']')}]" : _options.Host;
        app.Urls.Add($"http://{host}:{_options.Port ?? PortUsual}");
        app.Use(next => context => OuterEdge.RunAsync(context, next, gateway));
        app.Use(next => context => Refusal(context.Request) is { } refusal ? refusal.WriteAsync(context) : next(context));
        app.UseRouting();
        Map(app);
        try
        {
            await app.StartAsync(stop);
        }
        catch (IOException e)
        {
            _address.TrySetException(e);
            throw;
        }

        _address.TrySetResult(app.Urls.First());
        await Task.Delay(Timeout.InfiniteTimeSpan, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await app.StopAsync(CancellationToken.None);
    }

    private void Map(WebApplication app)
    {
        app.MapGet("/admin/tenants", ListTenantsAsync);
        app.MapPut("/admin/tenants/{id}", Answering(PutTenantAsync));
        app.MapDelete("/admin/tenants/{id}", Answering(DeleteTenantAsync));
        app.MapPost("/admin/tenants/{id}/keys", Answering(AddKeyAsync));
        app.MapGet("/admin/keys", ListKeysAsync);
        app.MapDelete("/admin/keys/{id}", Answering(RevokeKeyAsync));
        app.MapFallback(static context => ApiError.NotFound(
            $"There is no {context.Request.Path} here; there are /admin/tenants and /admin/keys.").WriteAsync(context));
    }

    private static RequestDelegate Answering(Func<HttpContext, string, Task<ApiError?>> handle) => async context =>
    {
        if (await handle(context, (string)context.Request.RouteValues["id"]!) is { } error) await error.WriteAsync(context);
    };

    private ApiError? Refusal(HttpRequest request)
    {
        if (_options.Token is { Length: > 0 } token)
        {
            var given = Encoding.UTF8.GetBytes(request.Headers.Authorization.ToString());
            var right = Encoding.UTF8.GetBytes("Bearer " + token);
            return CryptographicOperations.FixedTimeEquals(given, right)
                ? null
                : new(401, "invalid_request_error", "invalid_admin_token", "Send the admin token as: Authorization: Bearer TOKEN.");
        }

        if (request.Headers.ContainsKey("Origin") || !s_localNames.Contains(request.Host.Host, StringComparer.OrdinalIgnoreCase))
        {
            return new(
                403, "invalid_request_error", "not_local",
                "Without an admin token this API answers local programs only, not web pages. Set a token, or use curl.");
        }

        return null;
    }

    private Task ListTenantsAsync(HttpContext context) => JsonAnswer.WriteAsync(context, json =>
    {
        json.WriteStartObject();
        json.WriteStartArray("data"u8);
        foreach (var entry in _directory.All.OrderBy(e => e.Number.Index)) Write(json, entry);
        json.WriteEndArray();
        json.WriteEndObject();
    });

    private async Task<ApiError?> PutTenantAsync(HttpContext context, string id)
    {
        if (!TenantIds.AreGood(id)) return ApiError.BadRequest($"{id}: {TenantIds.Rule}.", "id");
        if (await BodyAsync(context) is not { } body) return ApiError.BadRequest("The body must be a JSON object.");
        using (body)
        {
            if (TenantRequest.Read(body.RootElement, id, _time.UnixSeconds(), out var tenant) is { } wrong) return wrong;
            if (tenant!.ServiceClass is { } name && !_gateway.Options.Classes.TryFind(name, out _))
            {
                return ApiError.BadRequest(
                    $"'class' is '{name}'; it must be one of {string.Join(", ", _gateway.Options.Classes.All.Select(c => c.Name))}.",
                    "class");
            }

            await _directory.PutTenantAsync(tenant, context.RequestAborted);
        }

        await JsonAnswer.WriteAsync(context, json => Write(json, _directory.All.First(e => e.Tenant.Id == id)));
        return null;
    }

    private async Task<ApiError?> DeleteTenantAsync(HttpContext context, string id)
    {
        if (!await _directory.DeleteTenantAsync(id, context.RequestAborted)) return NoSuch("tenant", id);
        await DeletedAsync(context, id);
        return null;
    }

    private async Task<ApiError?> AddKeyAsync(HttpContext context, string id)
    {
        if (_directory.All.All(e => e.Tenant.Id != id)) return NoSuch("tenant", id);
        using var body = await BodyAsync(context);
        var name = body?.RootElement.TryGetProperty("name", out var given) == true && given.ValueKind == JsonValueKind.String
            ? given.GetString()!
            : "";
        if (name.Length > NameMax) return ApiError.BadRequest($"'name' has more than {NameMax} characters.", "name");
        var (key, secret) = await _directory.AddKeyAsync(id, name, context.RequestAborted);
        await JsonAnswer.WriteAsync(context, json => Write(json, key, secret));
        return null;
    }

    private Task ListKeysAsync(HttpContext context) => JsonAnswer.WriteAsync(context, json =>
    {
        json.WriteStartObject();
        json.WriteStartArray("data"u8);
        foreach (var key in _directory.Keys) Write(json, key, null);
        json.WriteEndArray();
        json.WriteEndObject();
    });

    private async Task<ApiError?> RevokeKeyAsync(HttpContext context, string id)
    {
        if (!await _directory.RevokeKeyAsync(id, context.RequestAborted)) return NoSuch("key", id);
        await DeletedAsync(context, id);
        return null;
    }

    private static async Task<JsonDocument?> BodyAsync(HttpContext context)
    {
        try
        {
            var body = await JsonDocument.ParseAsync(context.Request.Body, default, context.RequestAborted);
            if (body.RootElement.ValueKind == JsonValueKind.Object) return body;
            body.Dispose();
            return null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static ApiError NoSuch(string what, string id) => ApiError.NotFound($"There is no {what} '{id}'.", param: "id");

    private static Task DeletedAsync(HttpContext context, string id) => JsonAnswer.WriteAsync(context, json =>
    {
        json.WriteStartObject();
        json.WriteString("id"u8, id);
        json.WriteBoolean("deleted"u8, true);
        json.WriteEndObject();
    });

    private static void Write(Utf8JsonWriter json, TenantEntry entry)
    {
        var (tenant, usage) = (entry.Tenant, entry.Usage.Now);
        json.WriteStartObject();
        json.WriteString("id"u8, tenant.Id);
        json.WriteNumber("weight"u8, tenant.Weight);
        WriteOrNull("requests_per_minute"u8, tenant.RequestsPerMinute);
        WriteOrNull("tokens_per_minute"u8, tenant.TokensPerMinute);
        json.WriteString("class"u8, tenant.ServiceClass);
        json.WriteNumber("created_at"u8, tenant.Created);
        json.WriteStartObject("usage"u8);
        json.WriteNumber("requests"u8, usage.Requests);
        json.WriteNumber("input_tokens"u8, usage.Input);
        json.WriteNumber("output_tokens"u8, usage.Output);
        json.WriteEndObject();
        json.WriteEndObject();

        void WriteOrNull(ReadOnlySpan<byte> name, long? number)
        {
            if (number is { } value) json.WriteNumber(name, value);
            else json.WriteNull(name);
        }
    }

    private static void Write(Utf8JsonWriter json, ApiKey key, string? secret)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, key.Id);
        json.WriteString("tenant"u8, key.Tenant);
        json.WriteString("name"u8, key.Name);
        json.WriteString("hint"u8, key.Hint);
        json.WriteNumber("created_at"u8, key.Created);
        if (key.Revoked is { } revoked) json.WriteNumber("revoked_at"u8, revoked);
        else json.WriteNull("revoked_at"u8);
        if (secret is not null) json.WriteString("key"u8, secret);
        json.WriteEndObject();
    }
}
