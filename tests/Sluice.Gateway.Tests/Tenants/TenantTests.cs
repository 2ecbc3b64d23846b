using System.Net;
using System.Text;
using System.Text.Json;
using Sluice.Core;
using Sluice.Storage;

namespace Sluice.Gateway.Tests;

/// <summary>A gateway with tenants, administered over its admin API.</summary>
public sealed class TenantTests : IAsyncLifetime, IDisposable
{
    private readonly string _folder = BatchGateway.NewFolder();
    private readonly FakeUpstream _engine = new() { SequencesMax = 1 };
    private Store _store = null!;
    private TenantDirectory _directory = null!;
    private TestGateway _gateway = null!;
    private HttpClient _admin = null!;

    public async Task InitializeAsync()
    {
        _store = Store.Open(new StorageOptions(_folder));
        await StartAsync();
    }

    public async Task DisposeAsync()
    {
        await StopAsync();
        await _store.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    public void Dispose() => _admin.Dispose();

    [Fact]
    public async Task Everybody_is_let_in_until_somebody_has_a_key_and_then_only_those_with_one()
    {
        Assert.Equal(HttpStatusCode.OK, (await _gateway.ChatAsync()).StatusCode);
        var key = await KeyAsync("acme", "{}");

        var without = await _gateway.ChatAsync();
        var wrong = await ChatAsync("sk-sluice-nobody");
        var right = await ChatAsync(key);

        Assert.Equal(HttpStatusCode.Unauthorized, without.StatusCode);
        Assert.Equal("invalid_api_key", (await without.JsonAsync()).GetProperty("error").GetProperty("code").GetString());
        Assert.Equal(HttpStatusCode.Unauthorized, wrong.StatusCode);
        Assert.Equal(HttpStatusCode.OK, right.StatusCode);
    }

    [Fact]
    public async Task A_key_is_shown_once_and_kept_as_a_hash()
    {
        var key = await KeyAsync("acme", "{}");

        var listed = await (await _admin.GetAsync("/admin/keys")).Content.ReadAsStringAsync();
        Assert.DoesNotContain(key, listed, StringComparison.Ordinal);
        var file = Path.Combine(_folder, "sluice.db");
        foreach (var path in new[] { file, file + "-wal" })
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var bytes = new MemoryStream();
            await stream.CopyToAsync(bytes);
            Assert.DoesNotContain(key, Encoding.Latin1.GetString(bytes.ToArray()), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_revoked_key_opens_nothing_also_when_it_was_the_last()
    {
        var key = await KeyAsync("acme", "{}");
        var id = (await (await _admin.GetAsync("/admin/keys")).JsonAsync()).GetProperty("data")[0].GetProperty("id").GetString();

        Assert.Equal(HttpStatusCode.OK, (await _admin.DeleteAsync($"/admin/keys/{id}")).StatusCode);

        Assert.Equal(HttpStatusCode.Unauthorized, (await ChatAsync(key)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await _gateway.ChatAsync()).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await _admin.DeleteAsync($"/admin/keys/{id}")).StatusCode);
    }

    [Fact]
    public async Task Keys_and_tenants_are_there_after_a_restart()
    {
        var key = await KeyAsync("acme", """{"weight":2,"class":"interactive"}""");
        await StopAsync();
        await StartAsync();

        var response = await ChatAsync(key);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("interactive", response.Header("x-sluice-class"));
    }

    [Fact]
    public async Task A_request_limit_is_told_in_headers_and_kept_with_an_honest_advice()
    {
        var key = await KeyAsync("acme", """{"requests_per_minute":2}""");

        var first = await ChatAsync(key);
        await ChatAsync(key);
        var refused = await ChatAsync(key);

        Assert.Equal("2", first.Header("x-ratelimit-limit-requests"));
        Assert.Equal("1", first.Header("x-ratelimit-remaining-requests"));
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Equal("rate_limit_exceeded", (await refused.JsonAsync()).GetProperty("error").GetProperty("code").GetString());
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 25, 30); // A place in 30 s.
        Assert.Equal("0", refused.Header("x-ratelimit-remaining-requests"));
    }

    [Fact]
    public async Task Tokens_of_answers_count_and_other_tenants_do_not_notice()
    {
        var key = await KeyAsync("acme", """{"tokens_per_minute":40}""");
        var other = await KeyAsync("other", """{"tokens_per_minute":40}""");

        await ChatAsync(key); // 10 tokens of prompt, 3 of answer; the reservation was 16 or so.
        Assert.Equal(HttpStatusCode.OK, (await ChatAsync(key)).StatusCode);
        var refused = await ChatAsync(key);

        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Equal("tokens", (await refused.JsonAsync()).GetProperty("error").GetProperty("type").GetString());
        Assert.Equal(HttpStatusCode.OK, (await ChatAsync(other)).StatusCode);
        var usage = (await (await _admin.GetAsync("/admin/tenants")).JsonAsync()).GetProperty("data")[0].GetProperty("usage");
        Assert.Equal((2, 20, 6), (usage.GetProperty("requests").GetInt32(), usage.GetProperty("input_tokens").GetInt32(), usage.GetProperty("output_tokens").GetInt32()));
    }

    [Theory]
    [InlineData("/v1/chat/completions")]
    [InlineData("/v1/responses")]
    public async Task A_request_that_is_turned_away_uses_no_tokens(string path)
    {
        var key = await KeyAsync("acme", """{"tokens_per_minute":40}""");

        for (var i = 0; i < 5; i++)
        {
            var wrong = await _gateway.PostAsync(path, $"{{\"model\": [{new string(' ', 100)}]}}", default, ("Authorization", $"Bearer {key}"));
            Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        }

        Assert.Equal(HttpStatusCode.OK, (await ChatAsync(key)).StatusCode);
    }

    [Fact]
    public async Task Batch_lines_count_in_usage_and_not_against_the_limit()
    {
        var key = await KeyAsync("acme", """{"tokens_per_minute":40}""");
        var door = new TenantDoor(_directory);

        door.Ended(_directory.CallerOf("acme"), new(LiveEnd.Completed, default, PromptTokens: 1000, OutputTokens: 500));

        var usage = (await (await _admin.GetAsync("/admin/tenants")).JsonAsync()).GetProperty("data")[0].GetProperty("usage");
        Assert.Equal((1000, 500), (usage.GetProperty("input_tokens").GetInt32(), usage.GetProperty("output_tokens").GetInt32()));
        Assert.Equal(HttpStatusCode.OK, (await ChatAsync(key)).StatusCode);
    }

    [Fact]
    public async Task Looking_at_things_is_not_limited()
    {
        var key = await KeyAsync("acme", """{"requests_per_minute":1}""");
        await ChatAsync(key);

        for (var i = 0; i < 3; i++)
        {
            var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
            request.Headers.Add("Authorization", $"Bearer {key}");
            Assert.Equal(HttpStatusCode.OK, (await _gateway.Client.SendAsync(request)).StatusCode);
        }
    }

    [Theory]
    [InlineData("""{"wieght":2}""", "did you mean 'weight'?")]
    [InlineData("""{"weight":0}""", "'weight' must be")]
    [InlineData("""{"tokens_per_minute":-1}""", "'tokens_per_minute' must be")]
    [InlineData("""{"class":"gold"}""", "it must be one of interactive")]
    [InlineData("[]", "JSON object")]
    public async Task A_wrong_tenant_is_explained(string body, string says)
    {
        var response = await _admin.PutAsync("/admin/tenants/acme", new StringContent(body));

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(says, (await response.JsonAsync()).GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_web_page_cannot_use_the_admin_API()
    {
        var crossSite = new HttpRequestMessage(HttpMethod.Post, "/admin/tenants/acme/keys");
        crossSite.Headers.Add("Origin", "https://evil.example");
        var rebound = new HttpRequestMessage(HttpMethod.Get, "/admin/keys");
        rebound.Headers.Host = "evil.example";

        Assert.Equal(HttpStatusCode.Forbidden, (await _admin.SendAsync(crossSite)).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await _admin.SendAsync(rebound)).StatusCode);
    }

    [Fact]
    public async Task The_public_port_has_no_admin_API() =>
        Assert.Equal(HttpStatusCode.NotFound, (await _gateway.Client.GetAsync("/admin/tenants")).StatusCode);

    [Fact]
    public async Task A_tenant_whose_weight_is_larger_goes_first_more_often()
    {
        var heavy = await KeyAsync("heavy", """{"weight":3}""");
        var light = await KeyAsync("light", """{"weight":1}""");
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var order = new System.Collections.Concurrent.ConcurrentQueue<string>();
        _engine.Script = async (call, sink, cancel) =>
        {
            await held.Task;
            order.Enqueue(call.ExternalId);
            return await FakeUpstream.WordsAsync(call, sink, cancel, "a", "b");
        };

        var sent = new List<Task<HttpResponseMessage>>();
        for (var i = 0; i < 60; i++)
        {
            sent.Add(ChatAsync(light, $"light-{i}"));
            sent.Add(ChatAsync(heavy, $"heavy-{i}"));
        }

        while ((await _gateway.Loop.SnapshotAsync(0)).Live < 120)
        {
            // All of them are on their way into the queue.
        }

        held.SetResult();
        await Task.WhenAll(sent);

        var early = order.Take(70).Count(id => id.StartsWith("heavy", StringComparison.Ordinal));
        Assert.True(early > 42, $"{early} of the first 70 were of the tenant of weight 3: {string.Concat(order.Select(id => id[0]))}");
    }

    [Fact]
    public void The_admin_API_does_not_open_itself_to_strangers()
    {
        var open = Assert.Throws<InputException>(() => new AdminServer(_directory, new() { Host = "0.0.0.0" }));

        Assert.Contains("admin token", open.Message, StringComparison.Ordinal);
        _ = new AdminServer(_directory, new() { Host = "0.0.0.0", Token = "secret" });
        _ = new AdminServer(_directory, new() { Host = "::1" });
    }

    private async Task StartAsync()
    {
        _directory = await TenantDirectory.LoadAsync(_store.Tenants);
        var admin = new AdminServer(_directory, new() { Port = 0 });
        _gateway = await TestGateway.StartAsync(
            new GatewayOptions(),
            new() { Callers = new TenantDoor(_directory), Workers = [admin.RunAsync] }, _engine);
        _admin = new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new(await admin.AddressAsync) };
    }

    private async Task StopAsync()
    {
        _admin.Dispose();
        await _gateway.DisposeAsync();
        _directory.Dispose();
    }

    private async Task<string> KeyAsync(string tenant, string settings)
    {
        var put = await _admin.PutAsync($"/admin/tenants/{tenant}", new StringContent(settings));
        Assert.True(put.IsSuccessStatusCode, await put.Content.ReadAsStringAsync());
        var key = await (await _admin.PostAsync($"/admin/tenants/{tenant}/keys", new StringContent("""{"name":"test"}"""))).JsonAsync();
        return key.GetProperty("key").GetString()!;
    }

    private Task<HttpResponseMessage> ChatAsync(string key, string id = "") =>
        _gateway.ChatAsync("", id.Length == 0 ? [("Authorization", $"Bearer {key}")] : [("Authorization", $"Bearer {key}"), ("X-Request-Id", id)]);
}
