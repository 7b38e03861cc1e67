using Ling.FineTune;
using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Text.Tokenizers;
using Mdl.Runtime.Training;

var parsed = CommandLine.Create(Run).Parse(args);
if (parsed.Errors.Count > 0)
{
    return Fail(parsed.Errors[0].Message);
}

return parsed.Invoke(new() { EnableDefaultExceptionHandler = false });

static int Run(FineTuneOptions options)
{
    // What a user can cause is told in one line; anything else is a bug and may show its stack.
    try
    {
        options.Validate();
        using var interruption = new Interruption();
        using var run = FineTuneRun.Prepare(options);
        return run.Execute(interruption) ? 0 : Interruption.ExitCode;
    }
    catch (TrainingDivergedException exception)
    {
        return Fail($"{exception.Message} Try a lower --rate.");
    }
    catch (Exception exception) when (exception is UsageException or TokenizerException or SafetensorsException or IOException or UnauthorizedAccessException)
    {
        return Fail(exception.Message);
    }
}

static int Fail(string message)
{
    Console.Error.WriteLine($"error: {message.ReplaceLineEndings(" ")}");
    return 1;
}
