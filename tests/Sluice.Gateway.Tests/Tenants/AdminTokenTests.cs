using System.Net;
using Sluice.Storage;

namespace Sluice.Gateway.Tests;

public sealed class AdminTokenTests
{
    [Fact]
    public async Task With_a_token_nobody_gets_in_without_it()
    {
        var folder = BatchGateway.NewFolder();
        await using (var store = Store.Open(new StorageOptions(folder)))
        {
            using var directory = await TenantDirectory.LoadAsync(store.Tenants);
            var admin = new AdminServer(directory, new() { Port = 0, Token = "secret" });
            await using var gateway = await TestGateway.StartAsync(
                new GatewayOptions(), new() { Workers = [admin.RunAsync] }, new FakeUpstream());
            using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new(await admin.AddressAsync) };

            Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync("/admin/keys")).StatusCode);
            client.DefaultRequestHeaders.Authorization = new("Bearer", "wrong");
            Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync("/admin/keys")).StatusCode);
            client.DefaultRequestHeaders.Authorization = new("Bearer", "secret");
            Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/admin/keys")).StatusCode);
        }

        Directory.Delete(folder, recursive: true);
    }
}
