using System.Runtime.InteropServices;
using Sluice.Cli;

// The first Ctrl-C asks the command to stop and clean up; a second one ends the process at once.
using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context =>
{
    context.Cancel = !stop.IsCancellationRequested;
    stop.Cancel();
});

return App.Run(args, Terminal.OfProcess(stop.Token));
