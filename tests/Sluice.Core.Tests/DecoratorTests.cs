namespace Sluice.Core.Tests;

/// <summary>A member of an interface that has a default is easily left out where one implementation wraps another; the wrapped one is
/// then asked no more.</summary>
public sealed class DecoratorTests
{
    [Theory]
    [InlineData(typeof(IterationDecorator), typeof(IIterationScheduler))]
    [InlineData(typeof(GlobalDecorator), typeof(IGlobalScheduler))]
    public void A_decorator_passes_on_every_member(Type decorator, Type wrapped)
    {
        var own = decorator.GetInterfaceMap(wrapped).TargetMethods.Where(m => m.DeclaringType == decorator).Select(m => m.Name);

        Assert.Equal(wrapped.GetMethods().Select(m => m.Name).Order(), own.Order());
    }
}
