using Sluice.Core;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Sluice.Cli;

/// <summary>A saved run: a flat map from flag to value in YAML, of which the JSON that <c>--out</c> writes is a part.</summary>
public static class ConfigFile
{
    private const int BytesMax = 1 << 20;

    /// <exception cref="InputException">The file is missing, is no flat map, or has a key that is no flag; the message says
    /// where.</exception>
    public static RunSpec Apply(string path, RunSpec spec)
    {
        foreach (var (key, value) in Map(path).Children)
        {
            var where = $"{path}:{key.Start.Line}:{key.Start.Column}";
            var at = $"{path}:{value.Start.Line}:{value.Start.Column}";
            if (key is not YamlScalarNode { Value: { } name }) throw new InputException($"{where}: expected a flag's name.");
            var flag = RunFlag.Named(name, where);
            var text = value switch
            {
                YamlScalarNode scalar => scalar.Value ?? "",
                YamlMappingNode map when name == "set" => string.Join(',', map.Children.Select(c => $"{c.Key}={c.Value}")),
                YamlSequenceNode list when flag.IsList => string.Join(',', list.Children),
                _ => throw new InputException($"{at}: {name}: expected a single value."),
            };
            try
            {
                spec = flag.Apply(spec, text);
            }
            catch (InputException e)
            {
                throw new InputException($"{at}: {e.Message}");
            }
        }

        if (spec is { Trace: not null, Workload: not null }) throw new InputException($"{path}: trace and workload: expected one of them.");
        return spec;
    }

    private static YamlMappingNode Map(string path)
    {
        try
        {
            if (!File.Exists(path)) throw new InputException($"--config {path}: there is no such file.");
            if (new FileInfo(path).Length > BytesMax) throw new InputException($"{path}: expected a saved run, and this has over 1 MiB.");
            using var reader = new StreamReader(path);
            var yaml = new YamlStream();
            yaml.Load(reader);
            if (yaml.Documents.Count == 1 && yaml.Documents[0].RootNode is YamlMappingNode map) return map;
            throw new InputException($"{path}: expected one map of flags to values, such as 'system: vllm-v1'.");
        }
        catch (YamlException e)
        {
            throw new InputException($"{path}:{e.Start.Line}:{e.Start.Column}: {e.Message}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"--config {path}: {e.Message}");
        }
    }
}
