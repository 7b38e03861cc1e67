using Ling.Sample;
using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Data;
using Mdl.Runtime.Training;

var parsed = CommandLine.Create(Run).Parse(args);
if (parsed.Errors.Count > 0)
{
    return Fail(parsed.Errors[0].Message);
}

return parsed.Invoke(new() { EnableDefaultExceptionHandler = false });

static int Run(RunOptions options)
{
    // What a user can cause is told in one line; anything else is a bug and may show its stack.
    try
    {
        options.Validate();
        if (options.Plan)
        {
            PlanRun.Execute(options);
            return 0;
        }

        using var interruption = new Interruption();
        using var run = TrainingRun.Prepare(options);
        return run.Execute(interruption) ? 0 : Interruption.ExitCode;
    }
    catch (Exception exception) when (exception is TextCorpusException or SafetensorsException or TrainingDivergedException or UsageException
        or IOException or UnauthorizedAccessException)
    {
        return Fail(exception.Message);
    }
}

static int Fail(string message)
{
    Console.Error.WriteLine($"error: {message.ReplaceLineEndings(" ")}");
    return 1;
}
