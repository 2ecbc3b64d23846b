using System.ComponentModel;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace Sluice.Storage.Tests;

/// <summary>A fact of a contract: skipped, with the reason, in classes whose server is not installed.</summary>
[XunitTestCaseDiscoverer("Sluice.Storage.Tests." + nameof(StoreFactDiscoverer), "Sluice.Storage.Tests")]
[AttributeUsage(AttributeTargets.Method)]
public sealed class StoreFactAttribute : FactAttribute;

public sealed class StoreFactDiscoverer(IMessageSink messages) : IXunitTestCaseDiscoverer
{
    public IEnumerable<IXunitTestCase> Discover(
        ITestFrameworkDiscoveryOptions discoveryOptions, ITestMethod testMethod, IAttributeInfo factAttribute)
    {
        var (display, options) = (discoveryOptions.MethodDisplayOrDefault(), discoveryOptions.MethodDisplayOptionsOrDefault());
        var skips = PostgresCluster.SkipReason is not null
            && testMethod.TestClass.Class.Name.Contains("Postgres", StringComparison.Ordinal);
        yield return skips
            ? new SkippedTestCase(messages, display, options, testMethod)
            : new XunitTestCase(messages, display, options, testMethod);
    }
}

public sealed class SkippedTestCase : XunitTestCase
{
    [EditorBrowsable(EditorBrowsableState.Never)]
    [Obsolete("For the runner, which makes one to fill it.")]
    public SkippedTestCase()
    {
    }

    public SkippedTestCase(
        IMessageSink messages, TestMethodDisplay display, TestMethodDisplayOptions options, ITestMethod method)
        : base(messages, display, options, method)
    {
    }

    protected override string GetSkipReason(IAttributeInfo factAttribute) => PostgresCluster.SkipReason!;
}
