using System.Diagnostics;
using Npgsql;

namespace Sluice.Storage.Tests;

/// <summary>A PostgreSQL server for this test run, on a unix socket in a folder of its own. It ends with the run, however
/// that ends: a shell waits for our end of a pipe to close.</summary>
/// <remarks>The server refuses to run as root, so root starts it as the user "nobody". Nothing here survives the run, so it
/// does not flush to disk.</remarks>
internal sealed class PostgresCluster
{
    private const string Script =
        """
        set -e
        "$1/initdb" --pgdata="$2/data" --username=sluice --auth=trust --encoding=UTF8 --no-sync >"$2/log" 2>&1
        "$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c max_connections=200 >>"$2/log" 2>&1 &
        server=$!
        for _ in $(seq 600); do
            if "$1/pg_isready" -q -h "$2" -U sluice; then echo ready; break; fi
            kill -0 $server
            sleep 0.05
        done
        cat >/dev/null || true
        kill -INT $server
        wait $server || true
        cd /
        rm -rf "$2"
        """;

    private static readonly Lazy<PostgresCluster> s_shared = new(static () => new());

    private readonly Process _shell;
    private readonly string _socket;
    private int _databases;

    private PostgresCluster()
    {
        _socket = Directory.CreateTempSubdirectory("sluice-pg-").FullName;
        List<string> command = ["sh", "-c", Script, "sh", BinFolder!, _socket];
        if (Environment.UserName == "root")
        {
            Run("chown", "nobody", _socket);
            command.InsertRange(0, ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]);
        }

        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, WorkingDirectory = _socket,
        };
        _shell = Process.Start(start)!;
        if (_shell.StandardOutput.ReadLine() != "ready")
            throw new InvalidOperationException($"PostgreSQL did not start:\n{File.ReadAllText(Path.Combine(_socket, "log"))}");
    }

    public static PostgresCluster Shared => s_shared.Value;

    /// <summary>Null to run; else why not.</summary>
    public static string? SkipReason { get; } = BinFolder is null
        ? "PostgreSQL is not installed here: 'apt-get install postgresql' lets these tests run"
        : null;

    private static string? BinFolder
    {
        get
        {
            var debian = new DirectoryInfo("/usr/lib/postgresql");
            var folders = debian.Exists
                ? debian.GetDirectories().OrderByDescending(d => d.Name, StringComparer.Ordinal).Select(d => Path.Combine(d.FullName, "bin"))
                : [];
            return folders.Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'))
                .FirstOrDefault(folder => File.Exists(Path.Combine(folder, "initdb")));
        }
    }

    /// <returns>Connection string of a new database.</returns>
    public string CreateDatabase()
    {
        var name = $"t{Interlocked.Increment(ref _databases)}";
        using var connection = new NpgsqlConnection($"Host={_socket};Username=sluice;Database=postgres");
        connection.Open();
        using var command = new NpgsqlCommand($"CREATE DATABASE {name}", connection);
        command.ExecuteNonQuery();
        return $"Host={_socket};Username=sluice;Database={name}";
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program} ended with {process.ExitCode}");
    }
}
